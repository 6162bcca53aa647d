-- What was said of these leads' entries so far, to the letter?
SELECT flow, lead_id, entry, body
FROM verdicts FINAL
WHERE lead_id IN {leads:Array(String)} AND gone = 0
