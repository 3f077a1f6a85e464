-- The comparisons in order.
SELECT comparison_id, ordinal, label, base_condition_id, aligned_condition_id, source FROM comparison ORDER BY ordinal
