-- Of the tokens shifted under the base in its own context: how the same base ranks them once it reads the aligned
-- context, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT comparison_id, cluster_id, count(*) AS n, unnest(class_counts(given_rank), recursive := true)
        FROM primed_pair
        JOIN prompt_cluster USING (prompt_id)
        WHERE is_aligned AND shift_class(own_rank) = 'shifted'
        GROUP BY comparison_id, cluster_id
    )
SELECT label AS comparison, shift, unnest(share_interval(x, n, decimals := 9)), sum(x)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, shift
ORDER BY ordinal, list_position(['unshifted', 'marginal', 'shifted'], shift)
