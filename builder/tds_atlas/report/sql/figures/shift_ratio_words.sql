-- The words with the highest shift ratio (shifted occurrences / all occurrences), with 95 % intervals clustered by
-- prompt; words in at least 10 prompts. Filled: the ratio differs from the comparison's overall ratio (dashed) by an
-- exact
-- binomial test, with a false discovery rate of 5 %.
WITH
    per_prompt AS (
        SELECT comparison_id, word, cluster_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM word
        WHERE word <> ''
        GROUP BY ALL
    ),
    answers AS (SELECT comparison_id, cluster_id, count(DISTINCT response_id) AS answers FROM word GROUP BY ALL),
    -- In the test, answers to the same prompt's text count as their mean.
    whole AS (
        SELECT comparison_id, cluster_id, sum(n) / any_value(answers) AS n, sum(x) / any_value(answers) AS x
        FROM per_prompt
        JOIN answers USING (comparison_id, cluster_id)
        GROUP BY ALL
    ),
    overall AS (SELECT comparison_id, sum(x) / sum(n) AS share FROM whole GROUP BY ALL),
    alike AS (
        -- How alike two words of one prompt are, over all words: the correlation of their shifts.
        SELECT
            comparison_id,
            share,
            CASE
                WHEN share > 0 AND share < 1 AND sum(n * (n - 1)) > 0
                THEN
                    kept_within(
                        (sum(power(x - share * n, 2)) / (share * (1 - share)) - sum(n)) / sum(n * (n - 1)), 0, 1
                    )
                ELSE 0
            END AS correlation
        FROM whole
        JOIN overall USING (comparison_id)
        GROUP BY comparison_id, share
    ),
    counts AS (
        SELECT
            comparison_id,
            word,
            count(*) AS prompts,
            sum(n)::BIGINT AS places,
            sum(x) AS shifted,
            share AS overall,
            clustered_mean(x, n) AS ratio,
            share_bounds(x, n) AS bounds,
            -- So many of its places tell as much as one, because a prompt's are alike.
            sum(n / answers) AS tested_places,
            sum(x / answers) AS tested_shifted,
            sum(n / answers * (1 + greatest(0, n / answers - 1) * correlation)) / tested_places AS weight
        FROM per_prompt
        JOIN answers USING (comparison_id, cluster_id)
        JOIN alike USING (comparison_id)
        GROUP BY comparison_id, word, share
        HAVING count(*) >= 10
    ),
    tested AS (SELECT *, binomial_p(tested_shifted / weight, tested_places / weight, overall) AS p FROM counts),
    controlled AS (SELECT *, q <= 0.05 AS stands_out FROM discoveries('tested', comparison_id)),
    counted AS (
        SELECT
            *,
            count(*) FILTER (stands_out AND ratio > overall) OVER (PARTITION BY comparison_id) AS above,
            count(*) FILTER (stands_out AND ratio < overall) OVER (PARTITION BY comparison_id) AS below
        FROM controlled
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
