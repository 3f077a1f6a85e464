-- Every comparison by every measure, with 95 % intervals clustered by prompt; each measure is drawn on its own scale,
-- from zero.
SELECT
    label AS comparison,
    measure,
    unit,
    round(clustered_mean(x, n), 10) AS mean,
    round(
        CASE
            WHEN measure = 'Δ log p'
            THEN clustered_mean(x, n) - clustered_half_width(x, n)
            WHEN most > 0
            THEN most * share_bounds(x, n * most).low
            ELSE kept_within(mean_low(x, n), 0, NULL)
        END,
        10
    ) AS low,
    round(
        CASE
            WHEN measure = 'Δ log p'
            THEN clustered_mean(x, n) + clustered_half_width(x, n)
            WHEN most > 0
            THEN most * share_bounds(x, n * most).high
            ELSE mean_high(x, n)
        END,
        10
    ) AS high,
    count(*) AS prompts,
    most
FROM prompt_measure
JOIN comparison USING (comparison_id)
WHERE x IS NOT NULL AND (SELECT count(*) FROM comparison WHERE kind = 'tuning') > 1
GROUP BY ordinal, label, place, measure, unit, most
HAVING sum(n) > 0
ORDER BY place, ordinal
