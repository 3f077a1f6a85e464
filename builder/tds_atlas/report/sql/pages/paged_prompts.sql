-- The prompts in the order in which their answers get example pages: by the mean over their examples of the mean
-- KL(aligned‖base), or what it is at least, largest first.
SELECT q.ordinal, count(*) AS pages
FROM example
JOIN prompt q USING (prompt_id)
GROUP BY q.ordinal
ORDER BY avg(mean_kl_aligned_base_lower_nats) DESC, q.ordinal
