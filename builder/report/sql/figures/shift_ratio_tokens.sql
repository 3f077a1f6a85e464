-- The tokens with the highest shift ratio (shifted positions / all positions of the token), with 95 % intervals clustered by prompt; tokens in at least 10 answers of a comparison.
WITH per_prompt AS (
    SELECT ordinal, label, token, prompt_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
    FROM tds JOIN comparison USING (comparison_id)
    WHERE token IS NOT NULL
    GROUP BY ALL
), ratios AS (
    SELECT ordinal, label, token, clustered_mean(x, n) AS ratio, clustered_half_width(x, n) AS half_width,
           sum(n)::BIGINT AS positions
    FROM per_prompt GROUP BY ordinal, label, token HAVING count(*) >= 10
), most AS (
    SELECT token, max(ratio) AS highest FROM ratios WHERE ratio > 0 GROUP BY token
    ORDER BY highest DESC, max(positions) DESC, token LIMIT 18
)
SELECT label AS comparison, token, ratio AS share, kept_within(ratio - half_width, 0, 1) AS low_share,
       kept_within(ratio + half_width, 0, 1) AS high_share, positions, highest
FROM ratios JOIN most USING (token)
ORDER BY highest DESC, token, ordinal
