-- The tokens that are shifted most often, and how often in each comparison.
WITH counts AS (
    SELECT ordinal, label, token, count(*) AS shifted
    FROM tds JOIN comparison USING (comparison_id)
    WHERE shift = 'shifted' AND token IS NOT NULL
    GROUP BY ALL
), most AS (
    SELECT token, sum(shifted)::BIGINT AS total FROM counts GROUP BY token ORDER BY total DESC, token LIMIT 18
)
SELECT label AS comparison, token, shifted AS positions, total
FROM counts JOIN most USING (token)
ORDER BY total DESC, token, ordinal
