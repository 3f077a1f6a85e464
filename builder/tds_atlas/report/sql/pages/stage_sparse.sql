-- The share of positions that carries 90 % of each stage's |Δ log p|, with its 95 % half width clustered by prompt (by
-- the influence of each position on that share), and the difference of the two stages, paired,
-- with its false discovery rate over the chains.
WITH
    ordered AS (FROM steps_by_size()),
    cut AS (
        SELECT comparison_id, place, min(size) FILTER (so_far - size < 0.9 * total) AS c
        FROM ordered
        WHERE total > 0
        GROUP BY ALL
    ),
    per_prompt AS (
        SELECT
            comparison_id, stage_id, place, cluster_id, count(*) AS n, sum(least(0, 1 - size / c) + 0.9 * size / c) AS x
        FROM ordered
        JOIN cut USING (comparison_id, place)
        JOIN prompt_cluster USING (prompt_id)
        WHERE c > 0
        GROUP BY ALL
    ),
    apart AS (
        SELECT
            comparison_id,
            count(*) AS prompts,
            round(clustered_mean(d, n), 9) AS difference,
            round(clustered_half_width(d, n), 9) AS difference_half
        FROM
            (
                SELECT comparison_id, cluster_id, any_value(n) AS n, sum(CASE place WHEN 2 THEN x ELSE - x END) AS d
                FROM per_prompt
                GROUP BY ALL
                HAVING count(*) = 2
            )
        GROUP BY comparison_id
    ),
    tested AS (SELECT *, margin_p(difference, difference_half, prompts - 1) AS p FROM apart),
    controlled AS (FROM discoveries('tested', true))
SELECT
    chain,
    comparison,
    place,
    round(clustered_mean(x, n), 9) AS share,
    share_bounds(x, n) AS bounds,
    any_value(difference) AS difference,
    any_value(difference_half) AS difference_half,
    any_value(q) AS difference_q
FROM per_prompt
JOIN stage_names() USING (comparison_id, stage_id)
LEFT JOIN controlled USING (comparison_id)
GROUP BY ordinal, chain, comparison, place
ORDER BY ordinal, place
