-- The share of shifted tokens with its 95 % interval as it is reported, and with other choices: every answer counted
-- alike however long, no end token, and the prompts of one kind (their first task and topic) as one cluster.
WITH
    kind AS (
        SELECT cluster_id, min(coalesce(tasks[1], '') || '|' || coalesce(topics[1], '')) AS kind
        FROM prompt
        JOIN prompt_cluster USING (prompt_id)
        GROUP BY cluster_id
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            count(*) FILTER (NOT is_end) AS said_n,
            count(*) FILTER (NOT is_end AND shift = 'shifted')::DOUBLE AS said_x
        FROM tds
        GROUP BY ALL
    ),
    per_kind AS (
        SELECT comparison_id, kind, sum(n) AS n, sum(x) AS x FROM per_prompt JOIN kind USING (cluster_id) GROUP BY ALL
    ),
    by_kind AS (
        SELECT comparison_id, count(*) AS kinds, share_bounds(x, n) AS bounds FROM per_kind GROUP BY comparison_id
    )
SELECT
    label,
    share_bounds(x, n) AS reported,
    share_bounds(x / n, 1) AS alike,
    CASE WHEN sum(said_n) > 0 THEN share_bounds(said_x, said_n) END AS without_end,
    any_value(by_kind.bounds) AS by_kind,
    any_value(kinds) AS kinds,
    count(*) AS prompts
FROM per_prompt
JOIN by_kind USING (comparison_id)
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
