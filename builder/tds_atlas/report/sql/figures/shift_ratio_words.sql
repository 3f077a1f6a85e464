-- The words with the highest shift ratio (shifted occurrences / all occurrences), with 95 % intervals clustered by
-- prompt; words in at least 10 prompts. Filled: the ratio differs from the comparison's overall ratio (dashed) by an
-- exact binomial test, with a false discovery rate of 5 %.
WITH
    counted AS (
        SELECT
            *,
            count(*) FILTER (stands_out AND ratio > overall) OVER (PARTITION BY comparison_id) AS above,
            count(*) FILTER (stands_out AND ratio < overall) OVER (PARTITION BY comparison_id) AS below
        FROM shift_by_word()
    ),
    most AS (
        SELECT word, max(ratio) AS highest
        FROM counted
        WHERE ratio > 0
        GROUP BY word
        ORDER BY highest DESC, max(places) DESC, word
        LIMIT 16
    )
-- Where all occurrences are shifted, or none, there is no spread: the bound is Wilson's for as many prompts.
SELECT
    label AS comparison,
    word,
    ratio AS share,
    bounds.low AS low_share,
    bounds.high AS high_share,
    overall AS overall_share,
    stands_out,
    round(p, 6) AS p,
    prompts,
    places,
    tests,
    above,
    below,
    highest
FROM counted
JOIN most USING (word)
JOIN comparison USING (comparison_id)
ORDER BY highest DESC, max(places) OVER (PARTITION BY word) DESC, word, ordinal
