-- The noise floor of each comparison: the largest mean KL of the A/A checks of its two conditions.
WITH
    measured AS (
        SELECT condition_id, arithmetic, avg(finite(kl_again_first)::DOUBLE) AS floor_nats FROM noise GROUP BY ALL
    )
SELECT label, count(condition_id) AS checks, unnest(arg_max(measured, floor_nats))
FROM comparison
LEFT JOIN measured ON condition_id IN (base_condition_id, aligned_condition_id)
WHERE kind = 'tuning'
GROUP BY ordinal, label
ORDER BY ordinal
