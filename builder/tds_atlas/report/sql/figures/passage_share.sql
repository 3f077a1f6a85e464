-- How much of all JS stands in how many of the passages, those with the highest mean first, with 95 % intervals
-- clustered by prompt. Answers are cut into passages of 20 tokens for this, so that none is counted twice; the
-- passage at
-- which a share ends counts in part.
WITH
    tile AS (
        SELECT comparison_id, cluster_id, response_id, pos // 20 AS nth, sum(js)::DOUBLE AS x, avg(js)::DOUBLE AS js
        FROM tds
        WHERE js IS NOT NULL
        GROUP BY ALL
    ),
    ranked AS (
        SELECT
            *,
            row_number() OVER (PARTITION BY comparison_id ORDER BY js DESC, response_id, nth) AS place,
            count(*) OVER (PARTITION BY comparison_id) AS tiles
        FROM tile
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            first,
            cluster_id,
            sum(x) AS n,
            sum(x * greatest(0, least(1, first::DOUBLE * tiles - place + 1))) AS x
        FROM ranked
        CROSS JOIN (VALUES (0.01), (0.02), (0.05), (0.1), (0.2), (0.5)) AS firsts(first)
        GROUP BY comparison_id, first, cluster_id
    )
SELECT label AS comparison, first::DOUBLE AS passages_share, unnest(share_interval(x, n))
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, first
HAVING sum(n) > 0
ORDER BY ordinal, first
