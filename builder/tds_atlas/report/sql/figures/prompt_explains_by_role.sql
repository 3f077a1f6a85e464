-- Share of the shifted tokens of each role that the aligned context alone moves into the same base's first three, with
-- 95 % intervals clustered by prompt; roles in at least 5 prompts.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            role,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (shift_class(given_rank) <> 'shifted')::DOUBLE AS x
        FROM primed_pair
        JOIN places() USING (response_id, pos)
        JOIN prompt_cluster USING (prompt_id)
        WHERE is_aligned AND shift_class(own_rank) = 'shifted'
        GROUP BY ALL
    )
SELECT label AS comparison, role, unnest(share_interval(x, n, decimals := 9)), sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, role
HAVING count(*) >= 5
ORDER BY list_position(['safety', 'style', 'knowledge', 'content', 'glue', 'end'], role), ordinal
