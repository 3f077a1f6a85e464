-- Each other context of a base against the comparison's own: difference of shifted shares over the same tokens, with
-- its 95 % half width.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            given.context_id,
            prompt_id,
            count(*) AS n,
            (count(*) FILTER (given.rank > 3) - count(*) FILTER (own.rank > 3))::DOUBLE AS x
        FROM primed own
        JOIN primed given USING (comparison_id, prompt_id, response_id, pos)
        WHERE own.is_own AND NOT given.is_own
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
