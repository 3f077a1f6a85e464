-- How soon does an answer diverge from what the base would say?
-- part: Where in the answer
SELECT
    comparison_id,
    count(*) AS answers,
    count(first) / count(*) AS leave_share,
    min(first) AS earliest,
    median(first) AS median_pos,
    max(first) AS latest
FROM (SELECT comparison_id, response_id, min(pos) FILTER (base_rank > 1) AS first FROM tds GROUP BY ALL)
GROUP BY comparison_id
ORDER BY comparison_id
