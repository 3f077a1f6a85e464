-- Are the first tokens of an answer shifted more than the rest?
-- part: Where in the answer
SELECT
    comparison_id,
    CASE
        WHEN pos = 0 THEN '0' WHEN pos < 5 THEN '1-4' WHEN pos < 10 THEN '5-9' WHEN pos < 20 THEN '10-19' ELSE '20 on'
    END AS positions,
    count(*) AS tokens,
    count(*) FILTER (shift = 'shifted') / count(*) AS shifted_share,
    avg(kl_aligned_base) AS mean_kl_nats
FROM tds
WHERE NOT is_end
GROUP BY ALL
ORDER BY comparison_id, min(pos)
