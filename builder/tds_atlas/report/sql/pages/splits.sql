-- The comparisons whose difference can be split into prompt and weights.
SELECT comparison_id FROM split GROUP BY comparison_id HAVING count(weights) > 0 ORDER BY comparison_id
