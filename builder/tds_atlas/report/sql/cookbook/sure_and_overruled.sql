-- Where was the base confident, yet overruled?
-- part: What both would have said
SELECT
    comparison_id,
    prompt_id,
    pos,
    base_top AS base_would_say,
    base_top_probability,
    token AS answer_says,
    base_rank,
    exp(aligned_logprob) AS aligned_probability
FROM tds
WHERE shift = 'shifted'
ORDER BY base_top_probability DESC, comparison_id, prompt_id, pos
LIMIT 20
