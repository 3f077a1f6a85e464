-- The words shifted most often, with counts for each comparison; a word is shifted where one of its tokens is.
WITH
    counts AS (
        SELECT
            ordinal,
            label,
            word,
            count(*) FILTER (shift = 'shifted') AS shifted,
            count(*) AS occurrences,
            count(DISTINCT cluster_id) FILTER (shift = 'shifted') AS prompts
        FROM word
        JOIN comparison USING (comparison_id)
        WHERE word <> ''
        GROUP BY ALL
    ),
    most AS (
        SELECT word, sum(shifted)::BIGINT AS total
        FROM counts
        GROUP BY word
        HAVING sum(shifted) > 0
        ORDER BY total DESC, word
        LIMIT 20
    )
SELECT label AS comparison, word, shifted AS places, occurrences, prompts, total
FROM counts
JOIN most USING (word)
WHERE shifted > 0
ORDER BY total DESC, word, ordinal
