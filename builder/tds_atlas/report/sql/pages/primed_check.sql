-- The share of the stored KL over the full vocabulary that the estimate from lists covers, where both are known.
SELECT label, round(sum(kl_listed) / sum(kl_aligned_base), 6) AS share
FROM primed
JOIN divergence USING (comparison_id, response_id, pos)
JOIN comparison USING (comparison_id)
WHERE is_own AND isfinite(kl_aligned_base) AND comparison_id IN (SELECT comparison_id FROM primed WHERE NOT is_own)
GROUP BY ordinal, label
HAVING sum(kl_aligned_base) > 0
ORDER BY ordinal
