-- Which first choices of the base are passed over most often?
-- part: Words and tokens
SELECT
    base_top,
    count(*) AS times,
    count(*) FILTER (base_rank > 1) AS passed_over,
    count(*) FILTER (base_rank > 1) / count(*) AS share
FROM tds
WHERE base_top IS NOT NULL
GROUP BY base_top
ORDER BY passed_over DESC, base_top
LIMIT 20
