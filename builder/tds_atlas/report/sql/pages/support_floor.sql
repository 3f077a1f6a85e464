-- A/A checks: what the two lists of one model share when arithmetic alone differs.
SELECT
    label,
    count(*) AS positions,
    avg(shared / k) AS shared,
    avg(base_mass) AS base_mass,
    avg(aligned_mass) AS aligned_mass,
    avg(favoured_base - favoured_aligned) AS taken
FROM support
JOIN comparison USING (comparison_id)
WHERE support.kind = 'noise'
GROUP BY ordinal, label
ORDER BY ordinal
