-- Every position of one comparison with both sides' first ten candidates, for the example pages.
SELECT p.response_id, p.pos, p.token_id, p.char_start, p.char_end, p.is_end,
       b.rank AS base_rank, a.rank AS aligned_rank, b.logprob AS base_logprob, a.logprob AS aligned_logprob,
       b.entropy AS base_entropy, a.entropy AS aligned_entropy, d.kl_aligned_base, d.kl_base_aligned, d.js,
       b.top_ids[1:10] AS base_ids, b.top_logprobs[1:10] AS base_logprobs,
       a.top_ids[1:10] AS aligned_ids, a.top_logprobs[1:10] AS aligned_logprobs
FROM comparison c
JOIN response r ON r.source = c.source
JOIN "position" p USING (response_id)
JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
JOIN divergence d ON d.response_id = p.response_id AND d.pos = p.pos AND d.comparison_id = c.comparison_id
WHERE c.comparison_id = $comparison_id
ORDER BY p.response_id, p.pos
