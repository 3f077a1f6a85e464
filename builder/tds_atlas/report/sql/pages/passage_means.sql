-- Mean Δ log p over all positions of each comparison, and mean JS, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(delta_logprob) AS dn,
            coalesce(sum(delta_logprob), 0)::DOUBLE AS dx,
            count(js) AS jn,
            coalesce(sum(js), 0)::DOUBLE AS jx
        FROM tds
        GROUP BY ALL
    )
SELECT
    label,
    CASE WHEN sum(dn) > 0 THEN signed_nats_interval(dx, dn) END AS delta,
    CASE WHEN sum(jn) > 0 THEN nats_interval(jx, jn) END AS js
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
