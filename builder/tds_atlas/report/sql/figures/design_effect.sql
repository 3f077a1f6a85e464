-- Design effect of the share of shifted tokens: its variance clustered by prompt, divided by that of as many
-- independent tokens.
WITH per_prompt AS (SELECT comparison_id, cluster_id, sum(n) AS n, sum(x) AS x FROM prompt_shift GROUP BY ALL)
SELECT
    label AS comparison,
    clustered_mean(x, n) AS share,
    share_bounds(x, n).low AS low_share,
    share_bounds(x, n).high AS high_share,
    z95() * sqrt(share * (1 - share) / sum(n)) AS naive_half_share,
    power(z95() * standard_error(x, n) / naive_half_share, 2) AS design_effect,
    sum(n)::BIGINT AS positions,
    count(*) AS prompts
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
HAVING count(*) > 2 AND sum(x) > 0 AND sum(x) < sum(n)
ORDER BY ordinal
