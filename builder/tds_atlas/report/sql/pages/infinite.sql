-- At how many positions KL is infinite, for the comparisons and A/A checks with any.
SELECT
    label,
    count(*) FILTER (isinf(kl_aligned_base)) AS aligned_base,
    count(*) FILTER (isinf(kl_base_aligned)) AS base_aligned,
    count(*) AS positions
FROM divergence
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
HAVING aligned_base + base_aligned > 0
ORDER BY ordinal
