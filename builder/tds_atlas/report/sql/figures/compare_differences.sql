-- Each later comparison minus the first, over shared prompts and paired by prompt, with 95 % intervals; each measure is
-- drawn on its own scale. Filled where the difference is clear at a false discovery rate of 5 % over all of them.
WITH
    tested AS (
        -- Where all prompts differ by the same there is no error: the p is that of their signs.
        SELECT
            *,
            CASE
                WHEN error > 1e-9
                THEN t_p(difference / error, prompts - 1)
                WHEN abs(difference) > 1e-9
                THEN mcnemar_p(prompts, 0)
                ELSE 1
            END AS p
        FROM differences_from_first()
    )
SELECT
    label AS comparison,
    first_label AS first,
    measure,
    unit,
    difference,
    t95(prompts - 1) * error AS half_width,
    difference - t95(prompts - 1) * error AS low,
    difference + t95(prompts - 1) * error AS high,
    prompts,
    p,
    q AS adjusted_p
FROM discoveries('tested', true)
JOIN comparison USING (comparison_id)
ORDER BY place, ordinal
