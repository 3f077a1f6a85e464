-- The share of shifted tokens among an answer's first five against its later ones, with the difference paired by
-- prompt, and its false discovery rate over the comparisons.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (pos < 5) AS en,
            count(*) FILTER (pos < 5 AND shift = 'shifted')::DOUBLE AS ex,
            count(*) FILTER (pos >= 5) AS n,
            count(*) FILTER (pos >= 5 AND shift = 'shifted')::DOUBLE AS x
        FROM said()
        GROUP BY ALL
    ),
    totals AS (
        SELECT
            comparison_id,
            sum(ex) / sum(en) AS early,
            sum(en) AS e_size,
            sum(x) / nullif(sum(n), 0) AS late,
            sum(n) AS size
        FROM per_prompt
        GROUP BY ALL
    ),
    found AS (
        SELECT
            ordinal,
            label,
            count(*) AS prompts,
            early,
            share_bounds(ex, en) AS early_bounds,
            late,
            CASE WHEN size > 0 THEN share_bounds(x, n) END AS late_bounds,
            early - late AS difference,
            CASE
                WHEN count(*) > 2
                THEN
                    round(
                        t95(count(*) - 1) * sqrt(
                            count(*)
                            / (count(*) - 1.0)
                            * sum(power((ex - early * en) / e_size - (x - late * n) / nullif(size, 0), 2))
                        ),
                        10
                    )
            END AS half_width
        FROM per_prompt
        JOIN totals USING (comparison_id)
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label, early, late, size
    ),
    tested AS (SELECT *, margin_p(difference, half_width, prompts - 1) AS p FROM found)
SELECT label, early, early_bounds, late, late_bounds, difference, half_width, p, q
FROM discoveries('tested', true)
ORDER BY ordinal
