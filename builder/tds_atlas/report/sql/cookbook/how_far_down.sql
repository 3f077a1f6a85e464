-- How far down the base's ranking were the shifted tokens?
-- part: How much
SELECT
    comparison_id,
    count(*) AS shifted_tokens,
    median(base_rank) AS median_rank,
    quantile_cont(base_rank, 0.9) AS rank_of_a_tenth,
    max(base_rank) AS largest_rank
FROM tds
WHERE shift = 'shifted'
GROUP BY comparison_id
ORDER BY comparison_id
