-- What stood in both lists where the two models are furthest apart?
-- part: What both would have said
WITH furthest AS (
    SELECT comparison_id, response_id, pos FROM tds ORDER BY js DESC, comparison_id, response_id, pos LIMIT 1
)
SELECT place, b.text AS base_token, exp(p.base_logprobs[place]) AS base_probability,
       a.text AS aligned_token, exp(p.aligned_logprobs[place]) AS aligned_probability
FROM paired p
JOIN furthest USING (comparison_id, response_id, pos)
JOIN condition bc ON bc.condition_id = p.base_condition_id
JOIN condition ac ON ac.condition_id = p.aligned_condition_id
JOIN model bm ON bm.model_id = bc.model_id
JOIN model am ON am.model_id = ac.model_id
CROSS JOIN LATERAL unnest(range(1, 11)) AS u(place)
LEFT JOIN token b ON b.tokenizer_id = bm.tokenizer_id AND b.token_id = p.base_ids[place]
LEFT JOIN token a ON a.tokenizer_id = am.tokenizer_id AND a.token_id = p.aligned_ids[place]
ORDER BY place
