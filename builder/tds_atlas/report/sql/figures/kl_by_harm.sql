-- Mean KL(aligned‖base) at each of the first 40 positions, on harmful and on harmless prompts, with 95 % intervals;
-- positions that the answers to at least 10 prompts reach.
WITH
    per_prompt AS (
        SELECT comparison_id, harmful, pos, cluster_id, count(*) AS n, sum(kl_aligned_base::DOUBLE) AS x
        FROM tds
        WHERE harmful IS NOT NULL AND pos < 40 AND isfinite(kl_aligned_base)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    CASE WHEN harmful THEN 'harmful' ELSE 'harmless' END AS prompts,
    pos AS position,
    unnest(nats_interval(x, n)),
    sum(n)::BIGINT AS responses,
    dense_rank() OVER (ORDER BY ordinal) - 1 AS panel
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, harmful, pos
HAVING count(*) >= 10
QUALIFY bool_or(harmful) OVER (PARTITION BY ordinal)
ORDER BY ordinal, harmful DESC, pos
