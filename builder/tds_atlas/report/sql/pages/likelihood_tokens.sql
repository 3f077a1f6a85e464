-- Of each comparison of log-probabilities alone, the ten tokens that are furthest apart, each with its place.
SELECT c.label, comparison_id, l.response_id, p.page, pos, token, base_logprob, aligned_logprob, delta_logprob
FROM likelihood l
JOIN comparison c USING (comparison_id)
JOIN response_page p ON p.response_id = l.response_id
WHERE delta_logprob <> 0
QUALIFY row_number() OVER (PARTITION BY comparison_id ORDER BY abs(delta_logprob) DESC, l.response_id, pos) <= 10
ORDER BY c.ordinal, abs(delta_logprob) DESC, l.response_id, pos
