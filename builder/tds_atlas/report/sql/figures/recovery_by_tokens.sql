-- Share of prompts at which what follows the first k tokens of a given harmful answer refuses, with 95 % intervals: the
-- tokens begin the aligned model's answer, or stand inside its refusal (prompts that it refuses at k = 0); or the base
-- goes on.
SELECT
    label AS comparison,
    CASE
        place WHEN 'answer' THEN 'as its answer' WHEN 'refusal' THEN 'inside its refusal' ELSE 'base model'
    END AS tokens,
    k,
    unnest(share_interval(CASE place WHEN 'refusal' THEN refusing_again ELSE refusing END, 1)),
    count(*) AS prompts
FROM recovery_outcome
JOIN comparison USING (comparison_id)
WHERE kind = 'tuning' AND (place <> 'refusal' OR refusing_again IS NOT NULL)
GROUP BY ordinal, label, place, k
ORDER BY ordinal, place, k
