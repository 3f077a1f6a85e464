-- Each later comparison against the first: difference of shifted shares, paired by prompt, with its 95 % half width.
WITH per_prompt AS (
    SELECT comparison_id, prompt_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x FROM tds GROUP BY ALL
), totals AS (
    SELECT comparison_id, sum(x) / sum(n) AS share, sum(n) AS size FROM per_prompt GROUP BY ALL
), residual AS (
    SELECT comparison_id, prompt_id, (x - share * n) / size AS e FROM per_prompt JOIN totals USING (comparison_id)
), first AS (
    SELECT comparison_id AS first_id, label AS first_label FROM comparison WHERE ordinal = 1
)
SELECT c.label, f.first_label, t.share - ft.share AS difference,
       1.959964 * sqrt(count(*) / (count(*) - 1.0) * sum(power(r.e - fr.e, 2))) AS half_width
FROM comparison c
CROSS JOIN first f
JOIN totals t ON t.comparison_id = c.comparison_id
JOIN totals ft ON ft.comparison_id = f.first_id
JOIN residual r ON r.comparison_id = c.comparison_id
JOIN residual fr ON fr.comparison_id = f.first_id AND fr.prompt_id = r.prompt_id
WHERE c.ordinal > 1
GROUP BY c.ordinal, c.label, f.first_label, t.share, ft.share
HAVING count(*) > 1
ORDER BY c.ordinal
