-- Design effect of the share of shifted tokens: its variance clustered by prompt, divided by that of as many
-- independent tokens.
SELECT
    label AS comparison,
    clustered_mean(x, n) AS share,
    share_bounds(x, n).low AS low_share,
    share_bounds(x, n).high AS high_share,
    z95() * sqrt(share * (1 - share) / sum(n)) AS naive_half_share,
    power(z95() * standard_error(x, n) / naive_half_share, 2) AS design_effect,
    sum(n)::BIGINT AS positions,
    count(*) AS prompts
FROM prompt_shift
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
HAVING count(*) > 2 AND sum(x) > 0 AND sum(x) < sum(n)
ORDER BY ordinal
