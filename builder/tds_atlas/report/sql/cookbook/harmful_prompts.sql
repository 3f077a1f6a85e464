-- Are answers to harmful prompts changed more than others?
-- part: How much
SELECT
    comparison_id,
    harmful,
    count(*) AS prompts,
    clustered_mean(x, n) AS shifted_share,
    clustered_half_width(x, n) AS half_width_share
FROM prompt_shift
JOIN prompt USING (prompt_id)
WHERE harmful IS NOT NULL
GROUP BY ALL
ORDER BY ALL
