-- Whose verdicts or events came after `after` and until `until`? They are counted together.
INSERT INTO slo_batches (batch, lead_id, stands_for, rank)
SELECT DISTINCT {batch:UInt64}, lead_id, lead_id, 0
FROM (
    SELECT lead_id
    FROM verdicts
    WHERE decided_at > {after:DateTime64(3, 'UTC')} AND decided_at <= {until:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT lead_id
    FROM lead_events
    WHERE arrived_at > {after:DateTime64(3, 'UTC')} AND arrived_at <= {until:DateTime64(3, 'UTC')}
)
