-- Share of answers in which what was planted on purpose shows, by α, with 95 % intervals clustered by prompt. Where
-- nothing was planted: what was planted in the other comparisons, which none of its answers should show.
WITH
    per_prompt AS (
        SELECT comparison_id, is_own, kind, alpha, cluster_id, count(*) AS n, count(*) FILTER (shows)::DOUBLE AS x
        FROM amplified_planted
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    concat(p.kind, CASE WHEN NOT is_own THEN ', not planted here' END) AS planted,
    CASE WHEN is_own THEN 'planted' ELSE 'not planted' END AS line,
    alpha,
    unnest(share_interval(x, n)),
    sum(x)::BIGINT AS showing,
    sum(n)::BIGINT AS answers,
    count(*) AS prompts
FROM per_prompt p
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, is_own, p.kind, alpha
ORDER BY ordinal, is_own DESC, p.kind, alpha
