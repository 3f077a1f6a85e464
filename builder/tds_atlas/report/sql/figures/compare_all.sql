-- Every comparison by every measure, with 95 % intervals clustered by prompt; each measure is drawn on its own scale,
-- from zero.
WITH
    found AS (
        SELECT
            ordinal,
            label,
            place,
            measure,
            unit,
            most,
            mean_bounds(x, n) AS bounds,
            clustered_half_width(x, n) AS half,
            share_bounds(x, n * most) AS of_most,
            count(*) AS prompts
        FROM prompt_measure
        JOIN comparison USING (comparison_id)
        WHERE x IS NOT NULL AND (SELECT count(*) FROM comparison WHERE kind = 'tuning') > 1
        GROUP BY ordinal, label, place, measure, unit, most
        HAVING sum(n) > 0
    )
SELECT
    label AS comparison,
    measure,
    unit,
    round(bounds.mean, 10) AS mean,
    round(
        CASE
            WHEN measure = 'Δ log p'
            THEN bounds.mean - half
            WHEN most > 0
            THEN most * of_most.low
            ELSE kept_within(bounds.low, 0, NULL)
        END,
        10
    ) AS low,
    round(
        CASE
            WHEN measure = 'Δ log p' THEN bounds.mean + half WHEN most > 0 THEN most * of_most.high ELSE bounds.high
        END,
        10
    ) AS high,
    prompts,
    most
FROM found
ORDER BY place, ordinal
