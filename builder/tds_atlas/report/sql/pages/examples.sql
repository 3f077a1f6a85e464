-- One row per example page, in the order of the comparisons and prompts.
SELECT
    comparison_id,
    label,
    c.ordinal AS comparison_ordinal,
    q.ordinal,
    p.page,
    p.number,
    p.answers,
    r.sample,
    q.prompt_id,
    q.text AS prompt,
    coalesce(t.turns, 1) AS turns,
    r.text AS answer,
    q.tasks,
    q.topics,
    q.harmful,
    q.truths,
    r.response_id,
    r.finish,
    s.segments,
    e.n_tokens,
    unshifted_share,
    marginal_share,
    shifted_share,
    mean_kl_aligned_base_nats,
    mean_js_lower_nats,
    mean_js_upper_nats,
    mean_delta_logprob_nats,
    max_base_rank,
    first_shifted_pos
FROM example e
JOIN comparison c USING (comparison_id)
JOIN prompt q USING (prompt_id)
JOIN response r USING (response_id)
JOIN response_page p USING (response_id)
JOIN
    (
        SELECT response_id, list(DISTINCT segment ORDER BY segment) AS segments FROM "position" GROUP BY response_id
    ) s USING (response_id)
LEFT JOIN (SELECT prompt_id, count(*)::INTEGER AS turns FROM turn GROUP BY prompt_id) t ON t.prompt_id = e.prompt_id
ORDER BY c.ordinal, q.ordinal, p.number
