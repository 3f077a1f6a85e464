-- Design effect of the share of shifted tokens: its variance clustered by prompt, divided by that of as many
-- independent tokens.
SELECT
    label AS comparison,
    clustered_mean(x, n) AS share,
    clustered_half_width(x, n) AS clustered_half_share,
    z95() * sqrt(share * (1 - share) / sum(n)) AS naive_half_share,
    power(clustered_half_share / naive_half_share, 2) AS design_effect,
    sum(n)::BIGINT AS positions,
    count(*) AS prompts
FROM prompt_shift
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
HAVING count(*) > 1 AND sum(x) > 0 AND sum(x) < sum(n)
ORDER BY ordinal
