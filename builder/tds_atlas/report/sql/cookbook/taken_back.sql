-- Where does the second stage revert a first choice that the first stage set?
-- part: What did it
-- needs: stage
SELECT
    s.comparison_id,
    s.prompt_id,
    s.pos,
    t.token AS answer_says,
    m.text AS middle_would_say,
    s.base_rank,
    s.middle_rank,
    s.second_delta AS second_nats
FROM stage s
JOIN tds t ON t.comparison_id = s.comparison_id AND t.response_id = s.response_id AND t.pos = s.pos
JOIN comparison c ON c.comparison_id = s.second_id
JOIN condition d ON d.condition_id = c.base_condition_id
JOIN model USING (model_id)
LEFT JOIN token m ON m.tokenizer_id = model.tokenizer_id AND m.token_id = s.middle_top_id
WHERE s.middle_rank > 1 AND s.middle_top_id IS DISTINCT FROM s.base_top_id OR s.base_rank < s.middle_rank
ORDER BY s.second_delta DESC, s.comparison_id, s.prompt_id, s.pos
LIMIT 20
