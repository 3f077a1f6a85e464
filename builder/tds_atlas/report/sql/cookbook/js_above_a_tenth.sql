-- At what share of positions do the two models really disagree (JS above 0.1 nats)?
-- part: How much
SELECT comparison_id, unnest(share_interval(x, n))
FROM
    (
        SELECT comparison_id, cluster_id, count(*) FILTER (js > 0.1)::DOUBLE AS x, count(*)::DOUBLE AS n
        FROM tds
        WHERE js IS NOT NULL
        GROUP BY ALL
    )
GROUP BY comparison_id
ORDER BY comparison_id
