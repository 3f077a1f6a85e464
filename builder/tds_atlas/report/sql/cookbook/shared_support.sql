-- How many of their first ten tokens do both models share, and how much probability do these hold, by role?
-- part: What both would have said
SELECT
    comparison_id,
    role,
    count(*) AS positions,
    avg(shared / k) AS mean_shared,
    avg(base_mass) AS mean_base_mass,
    avg(aligned_mass) AS mean_aligned_mass
FROM support
JOIN tds USING (comparison_id, response_id, pos)
GROUP BY ALL
ORDER BY ALL
