-- How many tokens of each class are there?
-- part: How much
SELECT
    comparison_id, shift, count(*) AS positions, positions / sum(positions) OVER (PARTITION BY comparison_id) AS share
FROM tds
GROUP BY comparison_id, shift
ORDER BY comparison_id, min(base_rank)
