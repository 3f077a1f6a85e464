-- The noise floor of each comparison: the largest mean KL of the A/A checks of its two conditions.
SELECT
    label,
    count(condition_id) AS checks,
    max(kl) AS floor_nats,
    arg_max(condition_id, kl) AS condition_id,
    arg_max(arithmetic, kl) AS arithmetic
FROM comparison
LEFT JOIN
    (SELECT condition_id, arithmetic, avg(finite(kl_again_first)::DOUBLE) AS kl FROM noise GROUP BY ALL)
    ON condition_id IN (base_condition_id, aligned_condition_id)
WHERE kind = 'tuning'
GROUP BY ordinal, label
ORDER BY ordinal
