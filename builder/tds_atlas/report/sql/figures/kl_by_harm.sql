-- Mean KL(aligned‖base) at each of the first 40 positions, on harmful and on harmless prompts, with 95 % intervals;
-- positions that at least 10 answers reach.
SELECT
    label AS comparison,
    CASE WHEN harmful THEN 'harmful' ELSE 'harmless' END AS prompts,
    pos AS position,
    unnest(nats_interval(kl_aligned_base::DOUBLE, 1, least := 0)),
    count(*) AS responses,
    dense_rank() OVER (ORDER BY ordinal) - 1 AS panel
FROM tds
JOIN comparison USING (comparison_id)
WHERE harmful IS NOT NULL AND pos < 40 AND isfinite(kl_aligned_base)
GROUP BY ordinal, label, harmful, pos
HAVING count(*) >= 10
QUALIFY bool_or(harmful) OVER (PARTITION BY ordinal)
ORDER BY ordinal, harmful DESC, pos
