-- Would the base have stopped where the answer stops?
-- part: Words and tokens
SELECT
    comparison_id,
    count(*) AS ends,
    count(*) FILTER (base_rank = 1) / count(*) AS first_choice_share,
    median(base_rank) AS median_rank,
    exp(median(base_logprob)) AS median_probability,
    mode(base_top ORDER BY base_top) FILTER (base_rank > 1) AS else_says_mostly
FROM tds
WHERE is_end
GROUP BY comparison_id
ORDER BY comparison_id
