-- What the two conditions of a comparison read before some of its answers, without what they read before all.
SELECT response_id, reading.condition_id, reading.text, special
FROM response
JOIN reading USING (prompt_id)
JOIN comparison c ON reading.condition_id IN (c.base_condition_id, c.aligned_condition_id)
WHERE c.comparison_id = $comparison_id AND response_id IN (SELECT unnest($responses))
ORDER BY response_id, reading.condition_id
