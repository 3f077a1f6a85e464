-- Is a token more likely to be shifted right after a shifted one?
-- part: Where in the answer
WITH
    step AS (
        SELECT comparison_id, shift, lag(shift) OVER (PARTITION BY comparison_id, response_id ORDER BY pos) AS before
        FROM tds
    )
SELECT
    comparison_id,
    before AS after_a_token_that_is,
    count(*) AS tokens,
    count(*) FILTER (shift = 'shifted') / count(*) AS shifted_share
FROM step
WHERE before IS NOT NULL
GROUP BY ALL
ORDER BY ALL
