-- Which tasks are changed most?
-- part: How much
SELECT
    comparison_id,
    task,
    count(*) AS prompts,
    clustered_mean(x, n) AS shifted_share,
    clustered_half_width(x, n) AS half_width_share
FROM
    (
        SELECT
            comparison_id,
            prompt_id,
            any_value(tasks) AS tasks,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            count(*)::DOUBLE AS n
        FROM tds
        GROUP BY comparison_id, prompt_id
    ),
    unnest(tasks) AS u(task)
GROUP BY ALL
ORDER BY shifted_share DESC, comparison_id, task
LIMIT 20
