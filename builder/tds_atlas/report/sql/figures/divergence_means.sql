-- Mean divergence per position over the full vocabulary, with 95 % intervals clustered by prompt.
SELECT
    label AS comparison,
    measure,
    round(clustered_mean(x, n), 10) AS nats,
    kept_within(round(mean_low(x, n), 10), 0, NULL) AS low_nats,
    round(mean_high(x, n), 10) AS high_nats
FROM prompt_measure
JOIN comparison USING (comparison_id)
WHERE measure IN ('KL(aligned‖base)', 'KL(base‖aligned)', 'JS')
GROUP BY ordinal, label, place, measure
HAVING sum(n) > 0
ORDER BY place, ordinal
