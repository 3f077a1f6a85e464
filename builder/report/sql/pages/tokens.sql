-- The vocabulary of a comparison's aligned model.
SELECT token_id, text
FROM comparison c
JOIN condition a ON a.condition_id = c.aligned_condition_id
JOIN model m USING (model_id)
JOIN token t USING (tokenizer_id)
WHERE c.comparison_id = $comparison_id
