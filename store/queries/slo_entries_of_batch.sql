-- What is said of the entries of a batch's leads, as far as any indicator counts it? Only key columns stand in PREWHERE: what
-- replaces what is decided after it.
INSERT INTO slo_entries (batch, flow, lead_id, entry, status, cause, step, system, campaign, segment, source, captured_at, entered_at, since, reached, reached_at, service, other_cause, other_step)
SELECT {batch:UInt64}, flow, lead_id, entry, status, cause, step, system, campaign, segment, source, captured_at, entered_at,
       since, reached, reached_at,
       JSONExtractString(body, 'evidence', -1, 'service'),
       if(cause = '', JSONExtractString(body, 'contributing', 1, 'cause'), ''),
       if(cause = '', JSONExtractString(body, 'contributing', 1, 'step'), '')
FROM verdicts FINAL
PREWHERE flow IN {flows:Array(String)} AND lead_id IN (SELECT lead_id FROM slo_batches WHERE batch = {batch:UInt64})
WHERE gone = 0 AND greatest(captured_at, since) < '2100-01-01'
