-- Of the words that at least one of two comparisons shifts, the share that both shift (Jaccard index of the sets; words
-- in lower case, once each); on the diagonal, how many words a comparison shifts.
WITH
    shifted AS (
        SELECT DISTINCT comparison_id, lower(word) AS word
        FROM word
        WHERE shift = 'shifted' AND regexp_matches(word, '[\p{L}\p{N}]')
    ),
    sizes AS (
        SELECT comparison_id, ordinal, label, count(*) AS words
        FROM shifted
        JOIN comparison USING (comparison_id)
        GROUP BY ALL
    ),
    common AS (
        SELECT a.comparison_id AS a, b.comparison_id AS b, count(*) AS words
        FROM shifted a
        JOIN shifted b USING (word)
        GROUP BY ALL
    )
SELECT
    a.label AS comparison,
    b.label AS other,
    a.words,
    b.words AS other_words,
    coalesce(c.words, 0) AS common_words,
    coalesce(c.words, 0) / (a.words + b.words - coalesce(c.words, 0)) AS jaccard
FROM sizes a
JOIN sizes b ON b.ordinal <= a.ordinal
LEFT JOIN common c ON c.a = a.comparison_id AND c.b = b.comparison_id
WHERE (SELECT count(*) FROM sizes) > 1
ORDER BY a.ordinal, b.ordinal
