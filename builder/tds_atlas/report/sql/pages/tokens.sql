-- The vocabulary of a comparison: its aligned model's, plus tokens that only other models scoring its answers have.
WITH
    reader AS (
        SELECT DISTINCT s.condition_id
        FROM score s
        JOIN response r USING (response_id)
        JOIN comparison c ON c.source = r.source
        WHERE c.comparison_id = $comparison_id
    ),
    vocabulary AS (
        SELECT DISTINCT m.tokenizer_id FROM reader JOIN condition USING (condition_id) JOIN model m USING (model_id)
    ),
    mine AS (
        SELECT m.tokenizer_id AS aligned_id
        FROM comparison c
        JOIN condition a ON a.condition_id = c.aligned_condition_id
        JOIN model m USING (model_id)
        WHERE c.comparison_id = $comparison_id
    )
SELECT token_id, arg_min(text, (tokenizer_id <> aligned_id, tokenizer_id)) AS text
FROM token
JOIN vocabulary USING (tokenizer_id)
CROSS JOIN mine
GROUP BY token_id
ORDER BY token_id
