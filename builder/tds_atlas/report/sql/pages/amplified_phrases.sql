-- The phrases that come up more often at α above 0: the first eight of each comparison, with the share of answers that
-- have each at every α from 0 on; and how many there are.
WITH
    known AS (
        SELECT *, count(*) OVER (PARTITION BY comparison_id) AS named
        FROM amplified_phrases()
        WHERE is_named
        QUALIFY row_number() OVER (PARTITION BY comparison_id ORDER BY growth DESC, phrase) <= 8
    ),
    said AS (
        SELECT comparison_id, cluster_id, alpha, said_words(text) AS words
        FROM amplified
        JOIN prompt_cluster USING (prompt_id)
        WHERE alpha >= 0
    ),
    per_prompt AS (
        SELECT comparison_id, phrase, alpha, cluster_id, avg(contains(words, concat(' ', phrase, ' '))::INTEGER) AS x
        FROM said
        JOIN known USING (comparison_id)
        GROUP BY ALL
    ),
    by_alpha AS (
        SELECT comparison_id, phrase, list({'alpha': alpha, 'share': share} ORDER BY alpha) AS shares
        FROM (SELECT comparison_id, phrase, alpha, avg(x) AS share FROM per_prompt GROUP BY ALL)
        GROUP BY ALL
    )
SELECT label, known.* EXCLUDE (is_louder, is_named), shares
FROM known
JOIN by_alpha USING (comparison_id, phrase)
JOIN comparison USING (comparison_id)
ORDER BY ordinal, growth DESC, phrase
