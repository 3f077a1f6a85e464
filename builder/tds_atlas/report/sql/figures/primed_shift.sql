-- Share of shifted tokens under each context that the base model was asked in, over the same answers, with 95 %
-- intervals clustered by prompt; a ring marks the comparison's own base condition.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            context_id,
            is_own,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (shift_class(rank) = 'shifted')::DOUBLE AS x
        FROM primed
        JOIN prompt_cluster USING (prompt_id)
        WHERE comparison_id IN (SELECT comparison_id FROM primed WHERE NOT is_own)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    context_id AS context,
    unnest(share_interval(x, n, decimals := 9)),
    is_own,
    sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, context_id, is_own
ORDER BY context_id, is_own, ordinal
