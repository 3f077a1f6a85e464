-- One row per answer of a comparison of two tokenizers that has a page, in the order of the comparisons and prompts.
SELECT
    c.comparison_id,
    c.label,
    q.prompt_id,
    p.page,
    q.text AS prompt,
    r.response_id,
    r.text AS answer,
    r.finish,
    v.n_tokens,
    v.base_n_tokens,
    v.stretches,
    v.one_to_one,
    s.unshifted,
    s.marginal,
    s.shifted,
    s.longer_greedy,
    s.delta_nats,
    s.delta_nats_per_byte
FROM token_path_cover v
JOIN
    (
        SELECT
            comparison_id,
            response_id,
            count(*) FILTER (shift = 'unshifted') AS unshifted,
            count(*) FILTER (shift = 'marginal') AS marginal,
            count(*) FILTER (shift = 'shifted') AS shifted,
            count(*) FILTER (NOT is_one_to_one AND is_base_greedy) AS longer_greedy,
            sum(delta_logprob) AS delta_nats,
            sum(delta_logprob) / sum(n_bytes) FILTER (delta_logprob IS NOT NULL) AS delta_nats_per_byte
        FROM token_path
        GROUP BY ALL
    ) s USING (comparison_id, response_id)
JOIN comparison c USING (comparison_id)
JOIN response r USING (response_id)
JOIN prompt q ON q.prompt_id = v.prompt_id
JOIN response_page p USING (response_id)
QUALIFY
    row_number() OVER (PARTITION BY c.comparison_id ORDER BY q.ordinal, p.number)
    <= coalesce((SELECT value::INTEGER FROM run WHERE key = 'example_pages'), 1000000)
ORDER BY c.ordinal, q.ordinal, p.number
