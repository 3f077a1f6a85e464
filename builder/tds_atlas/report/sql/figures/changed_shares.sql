-- Three shares of positions, with 95 % intervals clustered by prompt: the two models' first choices differ; their JS
-- exceeds 0.1 nats; and, where the first choices differ, the response token is still among the base's first five.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            prompt_id,
            count(*) AS n,
            count(*) FILTER (base_top_id <> aligned_top_id) AS changed,
            count(*) FILTER (js > 0.1) AS far,
            count(*) FILTER (base_top_id <> aligned_top_id AND base_rank <= 5) AS near
        FROM tds
        GROUP BY ALL
    ),
    long AS (
        SELECT comparison_id, prompt_id, 1 AS place, 'other first choice' AS measure, changed::DOUBLE AS x, n
        FROM per_prompt
        UNION ALL
        SELECT comparison_id, prompt_id, 2, 'JS > 0.1', far, n
        FROM per_prompt
        UNION ALL
        SELECT comparison_id, prompt_id, 3, 'of changed: in top 5', near, changed
        FROM per_prompt
    )
SELECT
    label AS comparison,
    measure,
    clustered_mean(x, n) AS share,
    clustered_half_width(x, n) AS half_width_share,
    kept_within(clustered_mean(x, n) - clustered_half_width(x, n), 0, 1) AS low_share,
    kept_within(clustered_mean(x, n) + clustered_half_width(x, n), 0, 1) AS high_share,
    sum(x)::BIGINT AS positions,
    sum(n)::BIGINT AS of_positions
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, place, measure
HAVING sum(n) > 0
ORDER BY place, ordinal
