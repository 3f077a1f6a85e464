-- Each other context of a base against the comparison's own: difference of shifted shares over the same tokens, with
-- its 95 % half width.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            context_id,
            cluster_id,
            count(*) AS n,
            (
                count(*) FILTER (shift_class(given_rank) = 'shifted')
                - count(*) FILTER (shift_class(own_rank) = 'shifted')
            )::DOUBLE AS x
        FROM primed_pair
        JOIN prompt_cluster USING (prompt_id)
        GROUP BY ALL
    )
SELECT
    label,
    context_id AS context,
    round(clustered_mean(x, n), 9) AS difference,
    round(clustered_half_width(x, n), 9) AS half_width
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, context_id
ORDER BY ordinal, context_id
