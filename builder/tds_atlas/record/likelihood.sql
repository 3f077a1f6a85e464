-- Comparisons of which log-probabilities are all that is known of a side: a recording without lists. No row of tds.

CREATE VIEW likelihood AS
SELECT
    comparison_id,
    x.prompt_id,
    cluster_id,
    response_id,
    pos,
    x.token_id,
    t.text AS token,
    is_end,
    role,
    segment,
    segment_pos,
    char_start,
    char_end,
    base_logprob,
    aligned_logprob,
    aligned_logprob::DOUBLE - base_logprob::DOUBLE AS delta_logprob,
    base_rank,
    aligned_rank,
    shift_class(base_rank) AS shift,
    kl_aligned_base_lower,
    kl_base_aligned_lower,
    js_lower,
    js_upper
FROM paired x
JOIN prompt_cluster ON prompt_cluster.prompt_id = x.prompt_id
JOIN condition ac ON ac.condition_id = aligned_condition_id
JOIN model am ON am.model_id = ac.model_id
LEFT JOIN token t ON t.tokenizer_id = am.tokenizer_id AND t.token_id = x.token_id
WHERE kind = 'log-probabilities';
