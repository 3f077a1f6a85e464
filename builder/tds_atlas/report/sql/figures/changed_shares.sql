-- Three shares of positions, with 95 % intervals clustered by prompt: the two models' first choices differ; their JS
-- exceeds 0.1 nats; and, where the first choices differ, the response token is still among the base's
-- first five; q is the false discovery rate of that share against a half, over the comparisons.
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
    ),
    found AS (
        SELECT
            ordinal,
            label AS comparison,
            place,
            measure,
            count(*) FILTER (n > 0) AS prompts,
            unnest(share_interval(x, n)),
            sum(x)::BIGINT AS positions,
            sum(n)::BIGINT AS of_positions
        FROM per_prompt
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label, place, measure
        HAVING sum(n) > 0
    ),
    tested AS (
        SELECT
            *, CASE WHEN place = 3 THEN bounds_p(share - 0.5, low_share - 0.5, high_share - 0.5, prompts - 1) END AS p
        FROM found
    )
SELECT comparison, measure, share, low_share, high_share, positions, of_positions, CASE WHEN place = 3 THEN q END AS q
FROM discoveries('tested', place)
ORDER BY place, ordinal
