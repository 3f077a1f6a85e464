-- From which position on is an answer what the base would have said anyway?
-- part: Where in the answer
SELECT
    comparison_id,
    prompt_id,
    max(n_tokens) AS tokens,
    max(pos) AS last_position_changed,
    max(n_tokens) - 1 - max(pos) AS tokens_after_it
FROM tds
WHERE base_rank > 1
GROUP BY comparison_id, prompt_id
ORDER BY tokens_after_it DESC, comparison_id, prompt_id
LIMIT 20
