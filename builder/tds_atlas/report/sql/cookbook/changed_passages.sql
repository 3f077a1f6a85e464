-- Which twenty tokens in a row did tuning raise most, in each comparison?
-- part: Where in the answer
SELECT comparison_id, prompt_id, pos, last_pos, delta_logprob AS mean_delta_nats, js AS mean_js_nats
FROM passage
WHERE delta_logprob IS NOT NULL
ORDER BY delta_logprob DESC, comparison_id, response_id, pos
LIMIT 20
