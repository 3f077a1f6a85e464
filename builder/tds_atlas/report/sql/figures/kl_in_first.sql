-- Share of all KL(aligned‖base) in the first tokens of the answers, with 95 % intervals clustered by prompt; dashed,
-- their share of all positions.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            first,
            sum(kl_aligned_base::DOUBLE) FILTER (pos < first) AS x,
            sum(kl_aligned_base::DOUBLE) AS kl,
            count(*) FILTER (pos < first) AS early,
            count(*) AS n,
            max(pos) + 1 AS longest
        FROM said()
        CROSS JOIN (VALUES (1), (2), (3), (4), (5), (7), (10), (14), (20), (30), (50), (100)) AS steps(first)
        WHERE isfinite(kl_aligned_base)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    first AS tokens,
    round(clustered_mean(x, kl), 10) AS share,
    round(share_bounds(x, kl).low, 6) AS low_share,
    round(share_bounds(x, kl).high, 6) AS high_share,
    sum(early) / sum(n) AS positions_share
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, first
HAVING sum(kl) > 0 AND max(longest) > first / 2
ORDER BY ordinal, first
