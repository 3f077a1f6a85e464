-- The share of the gap that the best other context closes, by the token's role, with 95 % intervals clustered by
-- prompt; roles in at least 5 prompts.
WITH
    per_prompt AS (
        SELECT comparison_id, context_id, role, prompt_id, sum(own_kl) AS n, sum(own_kl - given_kl) AS x
        FROM primed_pair
        JOIN primed_best USING (comparison_id, context_id)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    role,
    context_id AS context,
    unnest(share_interval(x, n, least := '-Infinity'::DOUBLE, decimals := 9)),
    round(sum(n), 6) AS own_nats
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, role, context_id
HAVING sum(n) > 0 AND count(*) >= 5
ORDER BY list_position(['safety', 'style', 'knowledge', 'content', 'glue', 'end'], role), ordinal
