-- How many words are shifted in each comparison, and the five most often shifted, those with a letter before the
-- others.
WITH
    counts AS (
        SELECT comparison_id, word, count(*) FILTER (shift = 'shifted') AS shifted, count(*) AS n
        FROM word
        WHERE word <> ''
        GROUP BY ALL
    ),
    ranked AS (
        SELECT
            comparison_id,
            word,
            shifted,
            row_number() OVER (
                PARTITION BY comparison_id ORDER BY NOT regexp_matches(word, '\p{L}'), shifted DESC, word
            ) AS place
        FROM counts
        WHERE shifted > 0
    )
SELECT
    label,
    any_value(total) AS total,
    list({'word': word, 'shifted': shifted} ORDER BY place) FILTER (place <= 5) AS words
FROM ranked
JOIN (SELECT comparison_id, sum(shifted)::BIGINT AS total FROM counts GROUP BY ALL) USING (comparison_id)
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
