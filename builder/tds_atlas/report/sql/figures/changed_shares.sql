-- Three shares of positions, with 95 % intervals clustered by prompt: the two models' first choices differ; their JS
-- exceeds 0.1 nats; and, where the first choices differ, the response token is still among the base's first five.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (base_top_id <> aligned_top_id)::DOUBLE AS changed,
            unnest(
                [
                    {'place': 1, 'measure': 'other first choice', 'x': changed, 'n': count(*)},
                    {'place': 2, 'measure': 'JS > 0.1', 'x': count(*) FILTER (js > 0.1), 'n': count(js)},
                    {
                        'place': 3,
                        'measure': 'of changed: in top 5',
                        'x': count(*) FILTER (base_top_id <> aligned_top_id AND base_rank <= 5),
                        'n': changed
                    }
                ],
                recursive := true
            )
        FROM tds
        GROUP BY comparison_id, cluster_id
    )
SELECT
    label AS comparison,
    measure,
    unnest(share_interval(x, n)),
    sum(x)::BIGINT AS positions,
    sum(n)::BIGINT AS of_positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, place, measure
HAVING sum(n) > 0
ORDER BY place, ordinal
