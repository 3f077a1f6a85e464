-- Each later comparison minus the first, over shared prompts and paired by prompt, with 95 % intervals; each measure is
-- drawn on its own scale. Filled where the difference is clear at a false discovery rate of 5 % over all of them.
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
FROM differences_from_first()
JOIN comparison USING (comparison_id)
ORDER BY place, ordinal
