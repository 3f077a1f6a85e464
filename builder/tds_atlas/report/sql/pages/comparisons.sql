-- The comparisons in order.
SELECT comparison_id, ordinal, label, base_condition_id, aligned_condition_id, source, extended
FROM comparison
WHERE kind = 'tuning'
ORDER BY ordinal
