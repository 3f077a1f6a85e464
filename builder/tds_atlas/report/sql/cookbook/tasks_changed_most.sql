-- Which tasks are changed most?
-- part: How much
SELECT
    comparison_id,
    task,
    count(*) AS prompts,
    clustered_mean(x, n) AS shifted_share,
    clustered_half_width(x, n) AS half_width_share
FROM prompt_shift
JOIN prompt USING (prompt_id), unnest(tasks) AS u(task)
GROUP BY ALL
ORDER BY shifted_share DESC, comparison_id, task
LIMIT 20
