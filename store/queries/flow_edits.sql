-- Which flow files came into force in this time? A flow's very first version is no change, and neither is that one was
-- applied to earlier entries.
SELECT flow, version, written_at
FROM (SELECT flow, version, applies_at, written_at, min(written_at) OVER (PARTITION BY flow) AS flow_since FROM flow_versions)
WHERE flow = {flow:String} AND written_at > flow_since AND applies_at = written_at
  AND written_at >= {from:DateTime64(3, 'UTC')} AND written_at <= {until:DateTime64(3, 'UTC')}
ORDER BY written_at DESC
LIMIT {most:UInt32}
