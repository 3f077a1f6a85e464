-- Each later comparison against the first: difference of shifted shares over the prompts that both have, paired by
-- prompt, with its 95 % half width.
WITH
    first AS (
        SELECT comparison_id AS first_id, label AS first_label
        FROM comparison
        WHERE kind = 'tuning'
        ORDER BY ordinal
        LIMIT 1
    ),
    pairs AS (
        SELECT l.comparison_id, first_label, l.x, l.n, f.x AS fx, f.n AS fn
        FROM first
        JOIN prompt_shift f ON f.comparison_id = first_id
        JOIN prompt_shift l ON l.prompt_id = f.prompt_id AND l.comparison_id <> first_id
    ),
    totals AS (
        SELECT
            comparison_id,
            sum(x) / sum(n) AS share,
            sum(n) AS size,
            sum(fx) / sum(fn) AS first_share,
            sum(fn) AS first_size
        FROM pairs
        GROUP BY ALL
    )
SELECT
    label,
    first_label,
    any_value(share - first_share) AS difference,
    z95() * clustered_error((x - share * n) / size - (fx - first_share * fn) / first_size) AS half_width
FROM pairs
JOIN totals USING (comparison_id)
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, first_label
HAVING count(*) > 1
ORDER BY ordinal
