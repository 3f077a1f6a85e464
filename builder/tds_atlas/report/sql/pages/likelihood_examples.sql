-- One row per answer of a comparison of log-probabilities alone that has a page, in the order of the comparisons and
-- prompts.
SELECT
    c.comparison_id,
    c.label,
    q.prompt_id,
    p.page,
    q.text AS prompt,
    r.response_id,
    r.text AS answer,
    r.finish,
    r.n_tokens,
    s.ranked,
    s.unshifted,
    s.marginal,
    s.shifted,
    s.delta_nats,
    s.delta_nats_per_token
FROM
    (
        SELECT
            comparison_id,
            response_id,
            count(shift) AS ranked,
            count(*) FILTER (shift = 'unshifted') AS unshifted,
            count(*) FILTER (shift = 'marginal') AS marginal,
            count(*) FILTER (shift = 'shifted') AS shifted,
            sum(delta_logprob) AS delta_nats,
            avg(delta_logprob) AS delta_nats_per_token
        FROM likelihood
        GROUP BY ALL
    ) s
JOIN comparison c USING (comparison_id)
JOIN response r USING (response_id)
JOIN prompt q ON q.prompt_id = r.prompt_id
JOIN response_page p ON p.response_id = r.response_id
QUALIFY
    row_number() OVER (PARTITION BY c.comparison_id ORDER BY q.ordinal, p.number)
    <= coalesce((SELECT value::INTEGER FROM run WHERE key = 'example_pages'), 1000000)
ORDER BY c.ordinal, q.ordinal, p.number
