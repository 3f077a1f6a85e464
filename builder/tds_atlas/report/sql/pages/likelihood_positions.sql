-- The tokens of some answers of a comparison of log-probabilities alone.
SELECT
    response_id,
    pos,
    token,
    is_end,
    char_start,
    char_end,
    base_logprob,
    aligned_logprob,
    delta_logprob,
    base_rank,
    aligned_rank,
    shift
FROM likelihood
WHERE comparison_id = $comparison_id AND list_contains($responses, response_id)
ORDER BY response_id, pos
