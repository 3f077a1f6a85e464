-- Each other context of a base against the comparison's own: difference of shifted shares over the same tokens, with
-- its 95 % half width, and its false discovery rate over all of them.
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
    ),
    found AS (
        SELECT
            ordinal,
            label,
            context_id AS context,
            count(*) AS prompts,
            round(clustered_mean(x, n), 9) AS difference,
            round(clustered_half_width(x, n), 9) AS half_width
        FROM per_prompt
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label, context_id
    ),
    tested AS (SELECT *, margin_p(difference, half_width, prompts - 1) AS p FROM found)
SELECT label, context, difference, half_width, q
FROM discoveries('tested', true)
ORDER BY ordinal, context
