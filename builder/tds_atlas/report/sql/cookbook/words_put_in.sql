-- Which words does tuning introduce most often, and what would the base have said?
-- part: Words and tokens
SELECT
    word,
    count(*) AS times,
    count(DISTINCT response_id) AS answers,
    mode(base_top ORDER BY base_top) AS base_says_mostly,
    median(base_rank) AS median_rank
FROM word
WHERE shift = 'shifted'
GROUP BY word
ORDER BY times DESC, word
LIMIT 20
