-- How many of their first k candidates do both models share (Jaccard@k)?
-- part: What both would have said
SELECT comparison_id, k, avg(jaccard_at(base_ids, aligned_ids, k)) AS mean_jaccard
FROM paired, (VALUES (1), (3), (5), (10)) AS ks(k)
WHERE kind = 'tuning'
GROUP BY ALL
ORDER BY ALL
