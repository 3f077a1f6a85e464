-- Which words in the answers did tuning make less likely?
-- part: Words and tokens
SELECT word, count(*) AS times, sum(delta_logprob)::DOUBLE AS sum_nats, avg(delta_logprob)::DOUBLE AS mean_nats
FROM word
WHERE delta_logprob < 0
GROUP BY word
ORDER BY sum_nats, word
LIMIT 20
