-- Every comparison by every measure, with 95 % intervals clustered by prompt; each measure is drawn on its own scale,
-- from zero.
SELECT
    label AS comparison,
    measure,
    unit,
    round(clustered_mean(x, n), 10) AS mean,
    round(clustered_half_width(x, n), 6) AS half_width,
    kept_within(
        round(clustered_mean(x, n) - clustered_half_width(x, n), 10),
        CASE WHEN measure = 'Δ log p' THEN '-Infinity'::DOUBLE ELSE 0 END,
        CASE WHEN unit = 'share' THEN 1 END
    ) AS low,
    kept_within(
        round(clustered_mean(x, n) + clustered_half_width(x, n), 10),
        '-Infinity'::DOUBLE,
        CASE WHEN unit = 'share' THEN 1 END
    ) AS high,
    count(*) AS prompts
FROM prompt_measure
JOIN comparison USING (comparison_id)
WHERE x IS NOT NULL AND (SELECT count(*) FROM comparison WHERE kind = 'tuning') > 1
GROUP BY ordinal, label, place, measure, unit
HAVING sum(n) > 0
ORDER BY place, ordinal
