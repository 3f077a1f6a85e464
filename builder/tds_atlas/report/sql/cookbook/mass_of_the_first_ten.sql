-- How much of each model's probability lies in its first ten candidates?
-- part: What both would have said
SELECT
    condition_id,
    count(*) AS positions,
    avg(list_sum(list_transform(top_logprobs[1:10], lambda x: exp(x::DOUBLE)))) AS mean_probability,
    avg(exp(top_logprobs[1]::DOUBLE)) AS of_the_first
FROM score
JOIN condition USING (condition_id)
WHERE arithmetic = '' AND top_ids IS NOT NULL
GROUP BY condition_id
ORDER BY condition_id
