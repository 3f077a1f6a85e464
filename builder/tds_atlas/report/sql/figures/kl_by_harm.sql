-- Mean KL(aligned‖base) at each of the first 40 positions, on harmful and on harmless prompts, with 95 % intervals;
-- positions that at least 10 answers reach.
SELECT
    label AS comparison,
    CASE WHEN harmful THEN 'harmful' ELSE 'harmless' END AS prompts,
    pos AS position,
    clustered_mean(kl_aligned_base::DOUBLE, 1) AS nats,
    kept_within(
        clustered_mean(kl_aligned_base::DOUBLE, 1) - clustered_half_width(kl_aligned_base::DOUBLE, 1), 0, NULL
    ) AS low_nats,
    clustered_mean(kl_aligned_base::DOUBLE, 1) + clustered_half_width(kl_aligned_base::DOUBLE, 1) AS high_nats,
    count(*) AS responses,
    dense_rank() OVER (ORDER BY ordinal) - 1 AS panel
FROM tds
JOIN comparison USING (comparison_id)
WHERE harmful IS NOT NULL AND pos < 40
GROUP BY ordinal, label, harmful, pos
HAVING count(*) >= 10
QUALIFY bool_or(harmful) OVER (PARTITION BY ordinal)
ORDER BY ordinal, harmful DESC, pos
