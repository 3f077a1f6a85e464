-- Every answer of each comparison, those with the largest share of shifted tokens first.
SELECT
    comparison_id,
    c.label,
    e.prompt_id,
    e.response_id,
    q.text AS prompt,
    r.text AS answer,
    r.finish,
    c.base_condition_id,
    c.aligned_condition_id,
    e.n_tokens,
    e.unshifted_share,
    e.marginal_share,
    e.shifted_share,
    e.mean_kl_aligned_base_nats,
    e.mean_js_nats,
    e.mean_delta_logprob_nats,
    e.first_shifted_pos
FROM example e
JOIN comparison c USING (comparison_id)
JOIN prompt q ON q.prompt_id = e.prompt_id
JOIN response r ON r.response_id = e.response_id
ORDER BY e.shifted_share DESC, c.ordinal, q.ordinal, e.response_id
