-- KL per position of every comparison, and of the A/A checks that measure one condition twice: quantiles, on a log
-- scale; values below 1e-10 nats are at its left end.
WITH
    measured AS (
        SELECT comparison_id, kl_aligned_base::DOUBLE AS kl
        FROM tds
        WHERE isfinite(kl_aligned_base)
        UNION ALL
        SELECT comparison_id, kl_again_first::DOUBLE
        FROM noise
        WHERE isfinite(kl_again_first)
    )
SELECT
    label AS comparison,
    kind,
    quantile_cont(kl, 0.1) AS low_nats,
    quantile_cont(kl, 0.25) AS lower_nats,
    median(kl) AS median_nats,
    quantile_cont(kl, 0.75) AS upper_nats,
    quantile_cont(kl, 0.99) AS high_nats,
    max(kl) AS largest_nats,
    avg(kl) AS mean_nats,
    count(*) AS positions
FROM measured
JOIN comparison USING (comparison_id)
WHERE EXISTS (FROM comparison WHERE kind = 'noise')
GROUP BY ordinal, label, kind
ORDER BY kind, ordinal
