-- What the report's own graders say of the texts, by the share of positions swapped; 0 % is the model that writes
-- alone,
-- 100 % the other model alone.
SELECT * REPLACE (concat(panel, ', ', outcome) AS panel) FROM swap_curve((SELECT list(DISTINCT grader) FROM swap_grade))
