-- Are answers to harmful prompts changed more than others?
-- part: How much
SELECT comparison_id, harmful, count(*) AS prompts, unnest(share_interval(x, n))
FROM
    (
        SELECT comparison_id, harmful, cluster_id, sum(x) AS x, sum(n) AS n
        FROM prompt_shift
        JOIN prompt USING (prompt_id)
        WHERE harmful IS NOT NULL
        GROUP BY ALL
    )
GROUP BY comparison_id, harmful
ORDER BY ALL
