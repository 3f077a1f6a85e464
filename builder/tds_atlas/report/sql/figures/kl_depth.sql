-- Share of all KL(aligned‖base) that is in the first n positions of the answers, on harmful and on harmless prompts,
-- with 95 % intervals clustered by prompt; at least 10 prompts of each kind.
WITH
    per_prompt AS (
        SELECT
            ordinal,
            label,
            harmful,
            cluster_id,
            n,
            sum(kl_aligned_base)::DOUBLE AS whole,
            coalesce(sum(kl_aligned_base) FILTER (pos < n), 0)::DOUBLE AS held
        FROM said()
        JOIN comparison USING (comparison_id)
        CROSS JOIN
            (
                SELECT
                    unnest(
                        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100, 150, 200, 300, 500, 1000]
                    ) AS n
            )
        WHERE harmful IS NOT NULL AND isfinite(kl_aligned_base)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    CASE WHEN harmful THEN 'harmful' ELSE 'harmless' END AS prompts,
    n AS positions,
    clustered_mean(held, whole) AS share,
    share_bounds(held, whole).low AS low_share,
    share_bounds(held, whole).high AS high_share
FROM per_prompt
GROUP BY ordinal, label, harmful, n
HAVING sum(whole) > 0 AND count(*) >= 10
QUALIFY
    bool_or(harmful) OVER (PARTITION BY ordinal)
    AND coalesce(lag(share) OVER (PARTITION BY ordinal, harmful ORDER BY n), 0) < 1
ORDER BY ordinal, harmful DESC, n
