-- Continuations to read, of each comparison: with the tokens as its answer and inside its refusal, the deepest that
-- refuses again and the shallowest that does not.
WITH
    after AS (
        SELECT comparison_id, place, k, answer_id, prompt, prefix, said, refuses
        FROM recovery
        WHERE k > 0 AND place <> 'base'
        QUALIFY
            row_number() OVER (
                PARTITION BY comparison_id, place, refuses ORDER BY CASE WHEN refuses THEN - k ELSE k END, answer_id
            )
            = 1
    )
SELECT label, place, k, prompt, prefix, said, refuses
FROM after
JOIN comparison USING (comparison_id)
ORDER BY ordinal, place, refuses DESC
