-- Which versions of contracts appeared in this time? A contract's very first version is no change.
SELECT contract, service, first_seen
FROM (
    SELECT contract, service, min(first_seen) AS first_seen,
           min(first_seen) OVER (PARTITION BY splitByChar('@', contract)[1], service) AS contract_since
    FROM contracts
    GROUP BY contract, service
)
WHERE first_seen > contract_since AND first_seen >= {from:DateTime64(3, 'UTC')} AND first_seen <= {until:DateTime64(3, 'UTC')}
ORDER BY first_seen DESC
LIMIT {most:UInt32}
