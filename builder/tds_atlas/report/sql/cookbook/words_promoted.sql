-- Which words did tuning promote most, in total?
-- part: Words and tokens
SELECT word, count(*) AS times, sum(delta_logprob)::DOUBLE AS sum_nats, avg(delta_logprob)::DOUBLE AS mean_nats
FROM word
WHERE delta_logprob IS NOT NULL
GROUP BY word
ORDER BY sum_nats DESC, word
LIMIT 20
