-- The five tokens that each stage most often made the first choice.
SELECT
    w.label AS chain,
    s.label AS comparison,
    t.text AS token,
    count(*) AS made,
    count(*) FILTER (shift_class(before_rank) = 'shifted') AS from_shifted
FROM stage_step k
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = k.comparison_id
JOIN "position" p ON p.response_id = k.response_id AND p.pos = k.pos
JOIN condition a ON a.condition_id = w.aligned_condition_id
JOIN model m ON m.model_id = a.model_id
JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = p.token_id
WHERE before_rank > 1 AND after_rank = 1 AND t.text IS NOT NULL
GROUP BY w.ordinal, w.label, s.label, place, t.text
QUALIFY row_number() OVER (PARTITION BY w.ordinal, place ORDER BY made DESC, token) <= 5
ORDER BY w.ordinal, place, made DESC, token
