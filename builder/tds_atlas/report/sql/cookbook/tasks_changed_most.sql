-- Which tasks are changed most?
-- part: How much
SELECT comparison_id, task, count(*) AS prompts, unnest(share_interval(x, n))
FROM
    (
        SELECT comparison_id, task, cluster_id, sum(x) AS x, sum(n) AS n
        FROM prompt_shift
        JOIN prompt USING (prompt_id), unnest(tasks) AS u(task)
        GROUP BY ALL
    )
GROUP BY comparison_id, task
ORDER BY clustered_mean(x, n) DESC, comparison_id, task
LIMIT 20
