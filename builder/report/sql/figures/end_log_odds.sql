-- Log-odds of the end token after sentence ends within the answers and at their true end, under both models: median with the middle half and the middle 80 %. Beyond the stored lists the last listed probability stands in, an upper bound (censored).
WITH end_token AS (
    SELECT source, mode(token_id) AS end_id FROM response JOIN "position" USING (response_id) WHERE is_end GROUP BY source
), place AS (
    SELECT c.ordinal, c.label, p.is_end, unnest(['aligned', 'base']) AS model, end_id,
           unnest([p.aligned_logprob, p.base_logprob]) AS logprob,
           unnest([p.aligned_ids, p.base_ids]) AS ids, unnest([p.aligned_logprobs, p.base_logprobs]) AS logprobs
    FROM paired p
    JOIN comparison c USING (comparison_id)
    JOIN end_token USING (source)
    JOIN response r ON r.response_id = p.response_id
    WHERE c.kind = 'tuning' AND p.pos > 0 AND (p.is_end OR regexp_matches(substring(r.text, 1, p.char_start), '[.!?\n]$'))
), ended AS (
    SELECT *, NOT is_end AND NOT list_contains(ids, end_id) AS censored,
           least(CASE WHEN is_end THEN logprob ELSE coalesce(logprobs[list_position(ids, end_id)], logprobs[-1]) END::DOUBLE, -6e-8) AS lp
    FROM place
), odds AS (
    SELECT *, lp - ln(1 - exp(lp)) AS nats FROM ended WHERE lp IS NOT NULL
)
SELECT label AS comparison, CASE WHEN is_end THEN 'true end' ELSE 'sentence end' END AS place, model, median(nats) AS nats,
       quantile_cont(nats, 0.1) AS tenth_nats, quantile_cont(nats, 0.25) AS low_nats, quantile_cont(nats, 0.75) AS high_nats,
       quantile_cont(nats, 0.9) AS ninetieth_nats, avg(censored::INTEGER) AS censored_share, count(*) AS positions
FROM odds
GROUP BY ordinal, label, is_end, model
ORDER BY ordinal, is_end, model DESC
