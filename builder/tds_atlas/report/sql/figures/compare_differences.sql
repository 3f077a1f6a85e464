-- Each later comparison minus the first, over shared prompts and paired by prompt, with 95 % intervals; each measure is
-- drawn on its own scale. Filled where the difference is clear at a false discovery rate of 5 % over all of them.
WITH
    tested AS (
        -- Rounded, so that the order of summation does not change the page.
        SELECT
            *,
            CASE
                WHEN error > 1e-9
                THEN normal_p(difference / error)
                ELSE CASE WHEN abs(difference) < 1e-9 THEN 1 ELSE 0 END
            END AS p
        FROM differences_from_first()
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
