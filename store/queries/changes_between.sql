-- What changed in this time, as it was told? The latest first.
SELECT at, kind, what, service, flow, campaign, link
FROM changes FINAL
WHERE at >= {from:DateTime64(3, 'UTC')} AND at <= {until:DateTime64(3, 'UTC')}
ORDER BY at DESC, source, id
LIMIT {most:UInt32}
