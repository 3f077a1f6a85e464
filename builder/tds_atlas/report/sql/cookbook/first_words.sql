-- How would each condition begin an answer, and how confident is it?
-- part: What both would have said
SELECT condition_id, token, count(DISTINCT prompt_id) AS prompts, avg(probability) AS mean_probability
FROM candidate
JOIN condition USING (condition_id)
JOIN response USING (response_id)
WHERE pos = 0 AND place = 1 AND arithmetic = ''
GROUP BY condition_id, token
ORDER BY prompts DESC, condition_id, token
LIMIT 20
