-- How often is the answer's token among the base's first k?
-- part: What both would have said
SELECT comparison_id, k, count(*) FILTER (base_rank <= k) / count(*) AS share
FROM tds, (VALUES (1), (3), (10), (30), (100)) AS ks(k)
GROUP BY ALL
ORDER BY ALL
