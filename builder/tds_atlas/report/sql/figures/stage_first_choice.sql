-- What happened to the first choice at each position, from the base through the middle model to the last, with 95 %
-- intervals clustered by prompt.
WITH
    paths AS (
        SELECT
            comparison_id,
            cluster_id,
            CASE
                WHEN base_top_id = middle_top_id AND middle_top_id = aligned_top_id
                THEN 'never changed'
                WHEN base_top_id = middle_top_id
                THEN 'set by the second'
                WHEN middle_top_id = aligned_top_id
                THEN 'set by the first, kept'
                WHEN base_top_id = aligned_top_id
                THEN 'set by the first, reverted'
                ELSE 'changed by both'
            END AS path
        FROM stage
        JOIN prompt_cluster USING (prompt_id)
    ),
    names AS (
        SELECT
            unnest(
                [
                    'never changed',
                    'set by the first, kept',
                    'set by the second',
                    'changed by both',
                    'set by the first, reverted'
                ]
            ) AS path,
            unnest([1, 2, 3, 4, 5]) AS place
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            names.path,
            place,
            count(*) AS n,
            count(*) FILTER (paths.path = names.path)::DOUBLE AS x
        FROM paths
        CROSS JOIN names
        GROUP BY ALL
    )
SELECT label AS comparison, path, unnest(share_interval(x, n, decimals := 9)), sum(x)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, path, place
ORDER BY place, ordinal
