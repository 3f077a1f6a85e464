-- In how many answers what was planted shows, by comparison, kind and α, with 95 % intervals clustered by prompt;
-- against
-- α = 0 paired by prompt (sign test), with the false discovery rate over all of them.
WITH
    per_prompt AS (
        SELECT comparison_id, is_own, kind, alpha, cluster_id, count(*) AS n, count(*) FILTER (shows)::DOUBLE AS x
        FROM amplified_planted
        GROUP BY ALL
    ),
    tested AS (
        SELECT
            comparison_id,
            is_own,
            kind,
            alpha,
            sum(x)::BIGINT AS showing,
            sum(n)::BIGINT AS answers,
            count(*) AS prompts,
            share_bounds(x, n) AS bounds,
            count(*) FILTER (x / n > x0 / n0) AS more,
            count(*) FILTER (x / n < x0 / n0) AS fewer,
            CASE WHEN alpha <> 0 THEN mcnemar_p(more, fewer) END AS p
        FROM per_prompt
        JOIN
            (SELECT comparison_id, is_own, kind, cluster_id, n AS n0, x AS x0 FROM per_prompt WHERE alpha = 0) USING (
                comparison_id, is_own, kind, cluster_id
            )
        GROUP BY comparison_id, is_own, kind, alpha
    )
SELECT label, t.* EXCLUDE (p, tests, bounds), bounds.mean, bounds.low, bounds.high
FROM discoveries('tested', true) t
JOIN comparison USING (comparison_id)
ORDER BY ordinal, is_own DESC, kind, alpha
