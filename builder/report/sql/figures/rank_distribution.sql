-- Share of response tokens that stand among the base's first k, for growing k.
SELECT label AS comparison, k, avg((base_rank <= k)::INTEGER) AS share
FROM tds
JOIN comparison USING (comparison_id)
CROSS JOIN (VALUES (1), (2), (3), (5), (10), (20), (30), (50), (100), (200), (500), (1000)) AS steps(k)
GROUP BY ordinal, label, k
ORDER BY ordinal, k
