-- What was refused or set aside lately?
SELECT at, kind, signal, reason, count, detail FROM refusals ORDER BY at DESC LIMIT {most:UInt32}
