-- Of the right values that answers state, how many are unshifted (specificity); of the wrong ones, how many are shifted
-- (sensitivity). With 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            is_true,
            count(*) AS n,
            count(*) FILTER (shift = CASE WHEN is_true THEN 'unshifted' ELSE 'shifted' END)::DOUBLE AS x,
            count(*) FILTER (shift = 'marginal') AS marginal
        FROM slot
        GROUP BY ALL
    )
SELECT
    label,
    is_true,
    sum(n)::BIGINT AS "values",
    sum(x)::BIGINT AS found,
    sum(marginal)::BIGINT AS marginal,
    unnest(share_interval(x, n))
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, is_true
ORDER BY ordinal, is_true DESC
