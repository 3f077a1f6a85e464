-- Of both models' ten likeliest tokens, the share that both have, by the role of the token said, with 95 % intervals
-- clustered by prompt; roles in at least 5 prompts.
WITH
    per_prompt AS (
        SELECT comparison_id, role, cluster_id, count(*) AS n, sum(shared / k)::DOUBLE AS x
        FROM support_said
        WHERE segment = part_asked(NULL)
        GROUP BY ALL
    )
SELECT role, label AS comparison, unnest(share_interval(x, n)), sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, role
HAVING count(*) >= 5
ORDER BY ordinal, role
