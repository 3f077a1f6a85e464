-- The tokens with the most KL left under the best other context (dot), and their KL under the comparison's own (other
-- end of the line), per answer.
WITH
    by_token AS (
        SELECT comparison_id, token_id, sum(own_kl) AS own_sum, sum(given_kl) AS left_sum, count(*) AS positions
        FROM primed_pair
        JOIN primed_best USING (comparison_id, context_id)
        GROUP BY ALL
    ),
    named AS (
        SELECT
            c.ordinal,
            c.label,
            t.text AS token,
            own_sum,
            left_sum,
            positions,
            (SELECT count(*) FROM response r WHERE r.source = c.source) AS answers
        FROM by_token
        JOIN comparison c USING (comparison_id)
        JOIN condition a ON a.condition_id = c.aligned_condition_id
        JOIN model m ON m.model_id = a.model_id
        JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = by_token.token_id
        WHERE t.text IS NOT NULL
    ),
    merged AS (
        SELECT
            ordinal,
            label,
            token,
            sum(own_sum) / any_value(answers) AS own,
            sum(left_sum) / any_value(answers) AS kl_left,
            sum(positions)::BIGINT AS positions
        FROM named
        GROUP BY ALL
    ),
    most AS (
        SELECT token, round(max(kl_left), 6) AS highest
        FROM merged
        GROUP BY token
        HAVING max(kl_left) > 0
        ORDER BY highest DESC, token
        LIMIT 16
    )
SELECT label AS comparison, token, round(own, 9) AS own_nats, round(kl_left, 9) AS left_nats, positions, highest
FROM merged
JOIN most USING (token)
ORDER BY highest DESC, token, ordinal
