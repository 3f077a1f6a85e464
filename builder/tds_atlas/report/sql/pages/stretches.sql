-- The stretches of some answers of a comparison of two tokenizers, with the tokens of both sides.
SELECT
    response_id,
    number,
    char_start,
    char_end,
    segment,
    is_one_to_one,
    base_rank,
    shift,
    is_base_greedy,
    base_logprob,
    aligned_logprob,
    delta_logprob,
    delta_logprob_per_byte,
    tokens.own,
    tokens.base
FROM token_path
JOIN
    (
        SELECT
            comparison_id,
            response_id,
            number,
            list(token ORDER BY pos) FILTER (side = 'aligned') AS own,
            list(token ORDER BY pos) FILTER (side = 'base') AS base
        FROM stretch_token
        GROUP BY ALL
    ) tokens USING (comparison_id, response_id, number)
WHERE comparison_id = $comparison_id AND list_contains($responses, response_id)
ORDER BY response_id, number
