-- At what share of positions is the difference larger than any due to arithmetic?
-- part: What the numbers rest on
-- needs: noise
WITH floor AS (SELECT arithmetic, max(js) AS js FROM noise WHERE js IS NOT NULL GROUP BY arithmetic)
SELECT
    comparison_id,
    arithmetic,
    any_value(floor.js) AS floor_nats,
    count(*) FILTER (tds.js > floor.js) / count(*) AS above_share
FROM tds, floor
WHERE tds.js IS NOT NULL
GROUP BY comparison_id, arithmetic
ORDER BY comparison_id, arithmetic
