-- How many times as often a word is a decision word (however, wait, so, first, let, …) where JS is in the comparison's
-- upper tenth as it is anywhere, with 95 % intervals clustered by prompt (of its logarithm) where at least 5 prompts
-- have
-- such a word there; q is the false discovery rate against 1 over the comparisons.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*)::DOUBLE AS n,
            count(*) FILTER (decides)::DOUBLE AS d,
            count(*) FILTER (disagrees)::DOUBLE AS h,
            count(*) FILTER (decides AND disagrees)::DOUBLE AS a
        FROM decisions()
        GROUP BY ALL
    ),
    totals AS (
        SELECT comparison_id, sum(n) AS words, sum(d) AS deciding, sum(h) AS high, sum(a) AS met
        FROM per_prompt
        GROUP BY ALL
        HAVING deciding > 0 AND high > 0 AND high < words
    ),
    found AS (
        SELECT
            comparison_id,
            words::BIGINT AS words,
            deciding / words AS share,
            met / high AS high_share,
            met / high / (deciding / words) AS times,
            -- A few prompts say nothing about the spread of a ratio.
            CASE
                WHEN count(*) FILTER (a > 0) >= 5
                THEN round(clustered_margin(a / met - h / high - d / deciding + n / words), 10)
            END AS half,
            count(*) AS prompts
        FROM per_prompt
        JOIN totals USING (comparison_id)
        GROUP BY ALL
    ),
    tested AS (SELECT *, margin_p(ln(nullif(times, 0)), half, prompts - 1) AS p FROM found)
SELECT
    label AS comparison,
    times,
    times * exp(- half) AS low_times,
    times * exp(half) AS high_times,
    share AS anywhere_share,
    high_share AS disagreeing_share,
    words,
    q
FROM discoveries('tested', true)
JOIN comparison USING (comparison_id)
ORDER BY ordinal
