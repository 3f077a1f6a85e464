-- The tokens with the most KL left under the best other context (dot), and what they had under the comparison's own
-- (line's other end), per answer.
WITH
    sums AS (SELECT comparison_id, context_id, is_own, sum(kl_listed) AS kl FROM primed GROUP BY ALL),
    best AS (
        SELECT comparison_id, arg_min(context_id, (round(kl, 6), context_id)) AS context_id
        FROM sums
        WHERE NOT is_own
        GROUP BY ALL
    ),
    both_sides AS (
        SELECT
            own.comparison_id,
            best.context_id,
            own.prompt_id,
            own.response_id,
            own.pos,
            own.role,
            own.token_id,
            own.kl_listed AS own_kl,
            given.kl_listed AS given_kl
        FROM primed own
        JOIN best USING (comparison_id)
        JOIN
            primed given
            ON given.comparison_id = own.comparison_id
            AND given.context_id = best.context_id
            AND NOT given.is_own
            AND given.response_id = own.response_id
            AND given.pos = own.pos
        WHERE own.is_own
    ),
    by_token AS (
        SELECT comparison_id, token_id, sum(own_kl) AS own_sum, sum(given_kl) AS left_sum, count(*) AS positions
        FROM both_sides
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
