-- How many words are shifted in each comparison, and the five most often shifted, of those with a letter if there are
-- any; and how many more are shifted as often as the last of these.
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
            NOT regexp_matches(word, '\p{L}') AS is_sign,
            row_number() OVER (PARTITION BY comparison_id ORDER BY is_sign, shifted DESC, word) AS place,
            count(*) OVER (PARTITION BY comparison_id, is_sign, shifted) AS as_often,
            row_number() OVER (PARTITION BY comparison_id, is_sign, shifted ORDER BY word) AS place_in_tie
        FROM counts
        WHERE shifted > 0
        QUALIFY is_sign = min(is_sign) OVER (PARTITION BY comparison_id)
    )
SELECT
    label,
    any_value(total) AS total,
    list({'word': word, 'shifted': shifted} ORDER BY place) FILTER (place <= 5) AS words,
    coalesce(any_value(as_often - place_in_tie) FILTER (place = 5), 0) AS tied
FROM ranked
JOIN (SELECT comparison_id, sum(shifted)::BIGINT AS total FROM counts GROUP BY ALL) USING (comparison_id)
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
