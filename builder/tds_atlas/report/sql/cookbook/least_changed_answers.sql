-- Which answers are closest to what the base would have said, word for word?
-- part: How much
SELECT
    e.comparison_id,
    e.prompt_id,
    left(q.text, 60) AS prompt,
    left(r.text, 60) AS answer,
    e.n_tokens,
    e.max_base_rank,
    e.unshifted_share
FROM example e
JOIN prompt q USING (prompt_id)
JOIN response r USING (response_id)
ORDER BY e.max_base_rank, e.unshifted_share DESC, e.n_tokens DESC, e.comparison_id, e.prompt_id
LIMIT 20
