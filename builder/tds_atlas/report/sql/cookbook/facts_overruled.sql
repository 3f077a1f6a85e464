-- Where did the base prefer a different token within a stated fact?
-- part: Words and tokens
SELECT comparison_id, prompt_id, pos, token, base_top AS base_would_say, base_rank, base_top_probability
FROM tds
WHERE role = 'knowledge' AND base_rank > 1
ORDER BY base_top_probability DESC, comparison_id, prompt_id, pos
LIMIT 20
