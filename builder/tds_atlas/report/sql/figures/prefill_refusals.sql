-- How often the aligned model still refuses after the first k tokens of the base's own answer to a harmful prompt:
-- share of prompts with 95 % intervals.
WITH
    per_prompt AS (
        SELECT ordinal, label, k, cluster_id, avg(refuses::INTEGER) AS x
        FROM prefill
        JOIN comparison USING (comparison_id)
        JOIN prompt_cluster USING (prompt_id)
        WHERE kind = 'tuning'
        GROUP BY ALL
    )
SELECT label AS comparison, k, unnest(share_interval(x, 1)), count(*) AS prompts
FROM per_prompt
GROUP BY ordinal, label, k
ORDER BY ordinal, k
