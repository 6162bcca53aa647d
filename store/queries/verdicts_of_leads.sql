-- What was said of these leads' entries so far?
SELECT flow, lead_id, entry, decided_at, body
FROM verdicts FINAL
WHERE lead_id IN {leads:Array(String)} AND gone = 0
ORDER BY captured_at DESC, flow, entry
