-- What are the shifted tokens for?
-- part: Words and tokens
SELECT comparison_id, role, sum(n)::BIGINT AS positions, sum(x)::BIGINT AS shifted, unnest(share_interval(x, n))
FROM
    (
        SELECT comparison_id, cluster_id, role, count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*)::DOUBLE AS n
        FROM tds
        GROUP BY ALL
    )
GROUP BY comparison_id, role
ORDER BY comparison_id, clustered_mean(x, n) DESC, role
