-- Each later comparison minus the first, over shared prompts and paired by prompt, with 95 % intervals; each measure is
-- drawn on its own scale. Filled where the difference is clear at a false discovery rate of 5 % over all of them.
WITH
    first AS (
        SELECT comparison_id AS first_id, label AS first_label
        FROM comparison
        WHERE kind = 'tuning'
        ORDER BY ordinal
        LIMIT 1
    ),
    pairs AS (
        SELECT l.comparison_id, first_label, l.place, l.measure, l.unit, l.x, l.n, f.x AS fx, f.n AS fn
        FROM prompt_measure l
        CROSS JOIN first
        JOIN prompt_measure f ON f.comparison_id = first_id AND f.prompt_id = l.prompt_id AND f.place = l.place
        WHERE l.comparison_id <> first_id AND l.x IS NOT NULL AND f.x IS NOT NULL
    ),
    totals AS (
        SELECT
            comparison_id,
            place,
            sum(x) / sum(n) AS mean,
            sum(n) AS size,
            sum(fx) / sum(fn) AS first_mean,
            sum(fn) AS first_size
        FROM pairs
        GROUP BY ALL
        HAVING count(*) > 1 AND sum(n) > 0 AND sum(fn) > 0
    ),
    differences AS (
        SELECT
            comparison_id,
            first_label,
            place,
            measure,
            unit,
            round(mean - first_mean, 10) + 0 AS difference,
            count(*) AS prompts,
            round(clustered_error((x - mean * n) / size - (fx - first_mean * fn) / first_size), 10) AS error
        FROM pairs
        JOIN totals USING (comparison_id, place)
        GROUP BY comparison_id, first_label, place, measure, unit, mean, first_mean
    ),
    tested AS (
        -- Rounded, so that the order of summation does not change the page.
        SELECT
            *,
            CASE
                WHEN error > 1e-9
                THEN normal_p(difference / error)
                ELSE CASE WHEN abs(difference) < 1e-9 THEN 1 ELSE 0 END
            END AS p
        FROM differences
    ),
    placed AS (SELECT *, row_number() OVER (ORDER BY p, comparison_id, place) AS r, count(*) OVER () AS m FROM tested)
SELECT
    label AS comparison,
    first_label AS first,
    measure,
    unit,
    difference,
    z95() * error AS half_width,
    difference - z95() * error AS low,
    difference + z95() * error AS high,
    prompts,
    p,
    min(least(1, p * m / r)) OVER (ORDER BY r ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS adjusted_p
FROM placed
JOIN comparison USING (comparison_id)
ORDER BY place, ordinal
