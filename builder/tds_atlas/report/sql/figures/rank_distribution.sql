-- Share of response tokens outside the base's first k, for growing k, with 95 % intervals clustered by prompt; both
-- axes are logarithmic.
WITH
    per_prompt AS (
        SELECT comparison_id, cluster_id, k, count(*) AS n, count(*) FILTER (base_rank > k)::DOUBLE AS x
        FROM tds
        CROSS JOIN (VALUES (1), (2), (3), (5), (10), (20), (30), (50), (100), (200), (500), (1000)) AS steps(k)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    k,
    1 - clustered_mean(x, n) AS share,
    clustered_mean(x, n) AS outside_share,
    1 - share_bounds(x, n).high AS low_share,
    1 - share_bounds(x, n).low AS high_share,
    share_bounds(x, n).low AS low_outside_share,
    share_bounds(x, n).high AS high_outside_share,
    sum(x)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, k
ORDER BY ordinal, k
