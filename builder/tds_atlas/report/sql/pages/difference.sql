-- Each later comparison against the first: difference of shifted shares over the prompts that both have, paired by
-- prompt, with its 95 % half width, and the false discovery rate over all differences from the first.
SELECT label, first_label, difference, t95(prompts - 1) * error AS half_width, q
FROM differences_from_first()
JOIN comparison USING (comparison_id)
WHERE measure = 'shifted'
ORDER BY ordinal
