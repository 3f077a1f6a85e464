-- For which token roles is it the prompt, and for which the weights?
-- part: What did it
-- needs: split
SELECT s.comparison_id, p.role, count(*) AS positions, avg(s.context) AS prompt_nats, avg(s.weights) AS weights_nats
FROM split s
JOIN "position" p USING (response_id, pos)
WHERE s.weights IS NOT NULL
GROUP BY ALL
ORDER BY s.comparison_id, weights_nats DESC, p.role
