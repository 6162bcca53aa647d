-- Does telemetry come in, and does it become answers?
SELECT
    (SELECT count() FROM spans) + (SELECT count() FROM events) AS hops,
    greatest((SELECT max(arrived_at) FROM spans), (SELECT max(arrived_at) FROM events)) AS last,
    (SELECT count() FROM timeline) AS with_lead,
    (SELECT count() FROM verdicts FINAL WHERE gone = 0) AS entries
