-- Shifted share by length of the token in characters (8: and more), with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            least(length(token), 8) AS characters,
            count(*) AS n,
            count(*) FILTER (WHERE shift = 'shifted') AS x
        FROM tds
        WHERE NOT is_end
        GROUP BY comparison_id, cluster_id, characters
    )
SELECT label AS comparison, characters, unnest(share_interval(x, n)), sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, characters
ORDER BY ordinal, characters
