-- Which verdicts were written, and which events of leads arrived, after `after` and until `until`? Earliest first.
SELECT at, line
FROM (
    SELECT decided_at AS at, sipHash64(flow, lead_id, entry, version) AS line
    FROM verdicts
    WHERE decided_at > {after:DateTime64(3, 'UTC')} AND decided_at <= {until:DateTime64(3, 'UTC')}
    UNION ALL
    SELECT arrived_at AS at, sipHash64(lead_id, ts, hop_id, trace_id) AS line
    FROM lead_events
    WHERE arrived_at > {after:DateTime64(3, 'UTC')} AND arrived_at <= {until:DateTime64(3, 'UTC')}
)
ORDER BY at, line
LIMIT {most:UInt32}
