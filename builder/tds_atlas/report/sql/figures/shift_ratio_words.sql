-- The words with the highest shift ratio (shifted occurrences / all occurrences), with 95 % intervals clustered by
-- prompt; words in at least 10 prompts. Filled: the ratio differs from the comparison's overall ratio (dashed) with a
-- false discovery rate of 5 %.
WITH
    per_prompt AS (
        SELECT comparison_id, word, prompt_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM word
        WHERE word <> ''
        GROUP BY ALL
    ),
    whole AS (SELECT comparison_id, prompt_id, sum(n) AS n, sum(x) AS x FROM per_prompt GROUP BY ALL),
    overall AS (SELECT comparison_id, sum(x) / sum(n) AS share, sum(n) AS size FROM whole GROUP BY ALL),
    residual AS (
        SELECT comparison_id, prompt_id, share, size, x - share * n AS r FROM whole JOIN overall USING (comparison_id)
    ),
    spread AS (SELECT comparison_id, sum(r * r) AS rr FROM residual GROUP BY ALL),
    tested AS (
        SELECT
            comparison_id,
            word,
            count(*) AS prompts,
            sum(n)::BIGINT AS places,
            share AS overall,
            clustered_mean(x, n) AS ratio,
            clustered_half_width(x, n) AS half,
            sum(x - share * n) AS excess,
            -- The variance of that excess: each prompt's own minus its part in the overall ratio, which includes the
            -- word.
            count(*)
            / (count(*) - 1.0)
            * (
                sum(power(x - share * n, 2))
                - 2 * sum(n) / size * sum((x - share * n) * r)
                + power(sum(n) / size, 2) * rr
            ) AS variance
        FROM per_prompt
        JOIN residual USING (comparison_id, prompt_id)
        JOIN spread USING (comparison_id)
        GROUP BY comparison_id, word, share, size, rr
        HAVING count(*) >= 10
    ),
    ranked AS (
        SELECT
            *,
            CASE WHEN variance > 0 THEN normal_p(excess / sqrt(variance)) ELSE 1 END AS p,
            row_number() OVER (PARTITION BY comparison_id ORDER BY p, word) AS place,
            count(*) OVER (PARTITION BY comparison_id) AS tests
        FROM tested
    ),
    controlled AS (
        -- Benjamini-Hochberg: a word stands out where no higher place has a smaller p · tests / place than 5 %.
        SELECT *, min(p * tests / place) OVER (PARTITION BY comparison_id ORDER BY place DESC) <= 0.05 AS stands_out
        FROM ranked
    ),
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
    share_low(ratio, half, prompts) AS low_share,
    share_high(ratio, half, prompts) AS high_share,
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
