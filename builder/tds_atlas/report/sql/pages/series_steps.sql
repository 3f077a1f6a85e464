-- The steps of each training run on shared answers, in order: of each comparison, the run's checkpoints as conditions.
SELECT mine.comparison_id, s.step, c.aligned_condition_id AS condition_id
FROM series_step mine
JOIN series_step s USING (series)
JOIN comparison c ON c.comparison_id = s.comparison_id
WHERE mine.answers = 'shared' AND s.answers = 'shared'
ORDER BY mine.comparison_id, s.ordinal
