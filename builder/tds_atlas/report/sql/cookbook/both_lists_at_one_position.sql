-- What is in both lists where the two models diverge most?
-- part: What both would have said
WITH
    furthest AS (
        SELECT comparison_id, response_id, pos FROM tds ORDER BY js DESC, comparison_id, response_id, pos LIMIT 1
    )
SELECT
    place,
    b.text AS base_token,
    exp(sb.top_logprobs[place]) AS base_probability,
    a.text AS aligned_token,
    exp(sa.top_logprobs[place]) AS aligned_probability
FROM furthest f
JOIN comparison c USING (comparison_id)
JOIN condition bc ON bc.condition_id = c.base_condition_id
JOIN condition ac ON ac.condition_id = c.aligned_condition_id
JOIN model bm ON bm.model_id = bc.model_id
JOIN model am ON am.model_id = ac.model_id
JOIN score sb ON sb.response_id = f.response_id AND sb.pos = f.pos AND sb.condition_id = c.base_condition_id
JOIN score sa ON sa.response_id = f.response_id AND sa.pos = f.pos AND sa.condition_id = c.aligned_condition_id
CROSS JOIN LATERAL unnest(range(1, 11)) AS u(place)
LEFT JOIN token b ON b.tokenizer_id = bm.tokenizer_id AND b.token_id = sb.top_ids[place]
LEFT JOIN token a ON a.tokenizer_id = am.tokenizer_id AND a.token_id = sa.top_ids[place]
WHERE sb.top_ids IS NOT NULL AND sa.top_ids IS NOT NULL
ORDER BY place
