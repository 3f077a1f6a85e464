-- Log-odds of the end token after sentence ends within the answers and at their true end, under both models: median
-- with the middle half and the middle 80 %. Where the end token is not in the stored list, the last listed probability
-- is used, an upper bound (censored).
WITH
    ended AS (
        SELECT
            comparison_id,
            is_end,
            unnest(['aligned', 'base']) AS model,
            unnest([aligned_censored, base_censored]) AS censored,
            kept_within(unnest([aligned_logprob, base_logprob])::DOUBLE, '-Infinity'::DOUBLE, -6e-8) AS lp
        FROM sentence_end
    ),
    odds AS (SELECT *, lp - ln(1 - exp(lp)) AS nats FROM ended WHERE lp IS NOT NULL)
SELECT
    label AS comparison,
    CASE WHEN is_end THEN 'true end' ELSE 'sentence end' END AS place,
    model,
    median(nats) AS nats,
    quantile_cont(nats, 0.1) AS tenth_nats,
    quantile_cont(nats, 0.25) AS low_nats,
    quantile_cont(nats, 0.75) AS high_nats,
    quantile_cont(nats, 0.9) AS ninetieth_nats,
    avg(censored::INTEGER) AS censored_share,
    count(*) AS positions
FROM odds
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, is_end, model
ORDER BY ordinal, is_end, model DESC
