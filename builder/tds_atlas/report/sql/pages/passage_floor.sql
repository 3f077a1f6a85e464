-- A/A checks: the largest mean JS of 20 tokens, which arithmetic alone makes, and the largest mean Δ log p.
SELECT label, max(js) AS js_nats, max(delta) AS delta_nats
FROM
    (
        SELECT
            comparison_id, avg(js::DOUBLE) OVER ahead AS js, avg((logprob_again - logprob)::DOUBLE) OVER ahead AS delta
        FROM noise
        WINDOW
            ahead AS (PARTITION BY comparison_id, response_id ORDER BY pos RANGE BETWEEN CURRENT ROW AND 19 FOLLOWING)
    )
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
