-- Which answers are changed most?
-- part: How much
SELECT
    e.comparison_id, e.prompt_id, left(q.text, 60) AS prompt, e.n_tokens, e.shifted_share, e.mean_kl_aligned_base_nats
FROM example e
JOIN prompt q USING (prompt_id)
ORDER BY e.shifted_share DESC, e.mean_kl_aligned_base_nats DESC, e.comparison_id, e.prompt_id
LIMIT 20
