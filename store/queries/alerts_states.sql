-- Where does each alert stand that fires? The latest transition of each counts.
SELECT state
FROM (
    SELECT argMax(state, version) AS state, argMax(live, version) AS live
    FROM alert_transitions
    GROUP BY objective, generation, group_key, kind
)
WHERE live
