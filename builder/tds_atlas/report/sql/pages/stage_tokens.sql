-- The five tokens that each stage most often made the first choice.
WITH
    marks AS (
        SELECT
            comparison_id,
            unnest([first_id, second_id]) AS stage_id,
            unnest([1, 2]) AS place,
            response_id,
            pos,
            unnest([base_rank, middle_rank]) AS before,
            unnest([middle_rank, aligned_rank]) AS after
        FROM stage
    )
SELECT
    w.label AS chain,
    s.label AS comparison,
    t.text AS token,
    count(*) AS made,
    count(*) FILTER (before > 3) AS from_shifted
FROM marks
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = marks.comparison_id
JOIN "position" p ON p.response_id = marks.response_id AND p.pos = marks.pos
JOIN condition a ON a.condition_id = w.aligned_condition_id
JOIN model m ON m.model_id = a.model_id
JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = p.token_id
WHERE before > 1 AND after = 1 AND t.text IS NOT NULL
GROUP BY w.ordinal, w.label, s.label, place, t.text
QUALIFY row_number() OVER (PARTITION BY w.ordinal, place ORDER BY made DESC, token) <= 5
ORDER BY w.ordinal, place, made DESC, token
