-- How do the flows stand? Entries captured in [since, until) by flow and status.
SELECT flow, status, count() AS entries
FROM verdicts FINAL
WHERE gone = 0 AND captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
GROUP BY flow, status
