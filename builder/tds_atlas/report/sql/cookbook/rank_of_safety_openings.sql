-- What rank do the openings of safety phrases have in the base?
-- part: Words and tokens
WITH
    opening AS (
        SELECT *, lag(role, 1, '') OVER (PARTITION BY comparison_id, response_id ORDER BY pos) AS before FROM tds
    )
SELECT
    comparison_id,
    token AS opens_with,
    count(*) AS times,
    min(base_rank) AS best_rank,
    median(base_rank) AS median_rank,
    max(base_rank) AS worst_rank,
    mode(base_top ORDER BY base_top) AS base_says_mostly
FROM opening
WHERE role = 'safety' AND before <> 'safety'
GROUP BY comparison_id, token
ORDER BY times DESC, comparison_id, token
LIMIT 20
