-- Which token most often replaces which?
-- part: Words and tokens
SELECT
    comparison_id,
    base_top AS base_would_say,
    token AS answer_says,
    count(*) AS times,
    avg(base_top_probability) AS mean_base_probability
FROM tds
WHERE shift = 'shifted' AND base_top IS NOT NULL
GROUP BY comparison_id, base_top, token
ORDER BY times DESC, comparison_id, base_top, token
LIMIT 20
