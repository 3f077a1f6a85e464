-- How well the base's uncertainty predicts a change, in each comparison: the chance that a position with the change has
-- a higher uncertainty than one without (AUC, ties count half), with its 95 % half width clustered by prompt; how
-- often the change occurs; and how much more the base could say. Each with its false discovery rate over comparisons.
WITH
    said AS (
        SELECT
            comparison_id,
            cluster_id,
            base_entropy,
            - base_top_probability AS doubt,
            base_top_id <> aligned_top_id AS differs,
            shift = 'shifted' AS shifted
        FROM tds
    ),
    long AS (
        SELECT comparison_id, cluster_id, 'differs' AS what, doubt AS score, differs AS yes
        FROM said
        UNION ALL
        SELECT comparison_id, cluster_id, 'shifted', base_entropy, shifted
        FROM said
        WHERE base_entropy IS NOT NULL
    ),
    tied AS (
        SELECT
            comparison_id,
            what,
            score,
            count(*) FILTER (yes)::DOUBLE AS yes_tied,
            count(*) FILTER (NOT yes)::DOUBLE AS no_tied
        FROM long
        GROUP BY ALL
    ),
    ranked AS (
        SELECT
            *,
            sum(yes_tied) OVER w - yes_tied AS yes_below,
            sum(no_tied) OVER w - no_tied AS no_below,
            sum(yes_tied) OVER total AS m,
            sum(no_tied) OVER total AS n
        FROM tied
        WINDOW total AS (PARTITION BY comparison_id, what), w AS (PARTITION BY comparison_id, what ORDER BY score)
    ),
    placed AS (
        SELECT comparison_id, cluster_id, what, yes, yes_below, no_below, yes_tied, no_tied, m, n
        FROM long
        JOIN ranked USING (comparison_id, what, score)
    ),
    chances AS (
        SELECT
            comparison_id,
            cluster_id,
            what,
            yes,
            m,
            n,
            CASE WHEN yes THEN (no_below + no_tied / 2) / n ELSE 1 - (yes_below + yes_tied / 2) / m END AS chance
        FROM placed
        WHERE m > 0 AND n > 0
    ),
    areas AS (SELECT comparison_id, what, avg(chance) FILTER (yes) AS auc FROM chances GROUP BY ALL),
    residual AS (
        SELECT comparison_id, what, auc, cluster_id, sum((chance - auc) / CASE WHEN yes THEN m ELSE n END) AS e
        FROM chances
        JOIN areas USING (comparison_id, what)
        GROUP BY ALL
    ),
    found AS (
        SELECT comparison_id, what, any_value(auc) AS auc, clustered_margin(e) AS half, count(*) AS prompts
        FROM residual
        GROUP BY comparison_id, what
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (differs)::DOUBLE AS d,
            count(*) FILTER (doubt <= -0.9) AS sure,
            count(*) FILTER (doubt <= -0.9 AND differs)::DOUBLE AS sure_d,
            count(*) FILTER (doubt > -0.5) AS unsure,
            count(*) FILTER (doubt > -0.5 AND differs)::DOUBLE AS unsure_d
        FROM said
        GROUP BY ALL
    ),
    entropies AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) AS n,
            sum(aligned_entropy - base_entropy)::DOUBLE AS x,
            sum(base_entropy)::DOUBLE AS b,
            sum(aligned_entropy)::DOUBLE AS a
        FROM tds
        WHERE base_entropy IS NOT NULL AND aligned_entropy IS NOT NULL
        GROUP BY ALL
    ),
    branching AS (
        SELECT
            comparison_id,
            exp(clustered_mean(b, n)) AS base_choices,
            exp(clustered_mean(a, n)) AS aligned_choices,
            clustered_mean(x, n) AS entropy_change,
            clustered_half_width(x, n) AS entropy_half,
            count(*) AS prompts
        FROM entropies
        GROUP BY comparison_id
    ),
    tested AS (
        SELECT comparison_id, what, margin_p(auc - 0.5, half, prompts - 1) AS p
        FROM found
        UNION ALL
        SELECT comparison_id, 'choices', margin_p(entropy_change, entropy_half, prompts - 1)
        FROM branching
    ),
    controlled AS (
        SELECT
            comparison_id,
            any_value(q) FILTER (what = 'differs') AS differs_q,
            any_value(q) FILTER (what = 'shifted') AS shifted_q,
            any_value(q) FILTER (what = 'choices') AS entropy_q
        FROM discoveries('tested', what)
        GROUP BY comparison_id
    )
SELECT
    label,
    clustered_mean(d, n) AS differs,
    share_bounds(d, n) AS differs_bounds,
    sum(sure) / sum(n) AS sure,
    sum(unsure) / sum(n) AS unsure,
    CASE WHEN sum(sure) > 0 THEN sum(sure_d) / sum(sure) END AS sure_differs,
    CASE WHEN sum(sure) > 0 THEN share_bounds(sure_d, sure) END AS sure_bounds,
    CASE WHEN sum(unsure) > 0 THEN sum(unsure_d) / sum(unsure) END AS unsure_differs,
    CASE WHEN sum(unsure) > 0 THEN share_bounds(unsure_d, unsure) END AS unsure_bounds,
    CASE WHEN sum(d) > 0 THEN sum(sure_d) / sum(d) END AS against_sure,
    any_value(f.auc) AS differs_auc,
    any_value(f.half) AS differs_auc_half,
    any_value(s.auc) AS shifted_auc,
    any_value(s.half) AS shifted_auc_half,
    any_value(base_choices) AS base_choices,
    any_value(aligned_choices) AS aligned_choices,
    any_value(entropy_change) AS entropy_change,
    any_value(entropy_half) AS entropy_half,
    any_value(differs_q) AS differs_q,
    any_value(shifted_q) AS shifted_q,
    any_value(entropy_q) AS entropy_q
FROM per_prompt p
JOIN comparison c USING (comparison_id)
LEFT JOIN controlled q ON q.comparison_id = p.comparison_id
LEFT JOIN branching ON branching.comparison_id = p.comparison_id
LEFT JOIN found f ON f.comparison_id = p.comparison_id AND f.what = 'differs'
LEFT JOIN found s ON s.comparison_id = p.comparison_id AND s.what = 'shifted'
GROUP BY ordinal, label
ORDER BY ordinal
