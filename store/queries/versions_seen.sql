-- Which versions of services appeared in this time? A service's very first version is no change.
SELECT service, service_version, first_seen
FROM (
    SELECT service, service_version, min(first_seen) AS first_seen,
           min(first_seen) OVER (PARTITION BY service) AS service_since
    FROM service_versions
    GROUP BY service, service_version
)
WHERE first_seen > service_since AND first_seen >= {from:DateTime64(3, 'UTC')} AND first_seen <= {until:DateTime64(3, 'UTC')}
ORDER BY first_seen DESC
LIMIT {most:UInt32}
