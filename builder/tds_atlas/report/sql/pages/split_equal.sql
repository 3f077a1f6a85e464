-- Comparisons whose two contexts are the same: none of their change comes from the prompt.
SELECT label, b.context_id AS context
FROM comparison c
JOIN condition b ON b.condition_id = c.base_condition_id
JOIN condition a ON a.condition_id = c.aligned_condition_id
WHERE kind = 'tuning' AND b.context_id = a.context_id
ORDER BY ordinal
