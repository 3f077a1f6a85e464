-- Mean change of the answer's log-probability from each stage of a chain, by the token's role, with 95 % intervals
-- clustered by prompt; roles in at least 5 prompts.
WITH
    per_prompt AS (
        SELECT comparison_id, stage_id, place, name, cluster_id, count(*) AS n, sum(delta) AS x
        FROM stage_step
        JOIN places() USING (response_id, pos)
        JOIN prompt_cluster USING (prompt_id)
        CROSS JOIN LATERAL unnest(['all', role]) AS names(name)
        WHERE has_both
        GROUP BY ALL
    )
SELECT chain, comparison, name AS role, unnest(signed_nats_interval(x, n, decimals := 9)), sum(n)::BIGINT AS positions
FROM per_prompt
JOIN stage_names() USING (comparison_id, stage_id)
GROUP BY ordinal, chain, comparison, place, name
HAVING count(*) >= 5 OR name = 'all'
ORDER BY ordinal, list_position(['all', 'safety', 'style', 'knowledge', 'content', 'glue', 'end'], name), place
