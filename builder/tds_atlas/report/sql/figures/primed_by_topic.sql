-- The share of the gap that the best other context closes, by the topic of the prompt, with 95 % intervals clustered by
-- prompt; topics of at least 5 prompts.
WITH
    per_prompt AS (
        SELECT comparison_id, context_id, prompt_id, sum(own_kl) AS n, sum(own_kl - given_kl) AS x
        FROM primed_pair
        JOIN primed_best USING (comparison_id, context_id)
        GROUP BY ALL
    ),
    tagged AS (
        SELECT per_prompt.*, topic
        FROM per_prompt
        JOIN prompt USING (prompt_id)
        CROSS JOIN LATERAL unnest(topics) AS tags(topic)
    )
SELECT
    label AS comparison,
    topic,
    context_id AS context,
    unnest(share_interval(x, n, least := '-Infinity'::DOUBLE, decimals := 9)),
    round(sum(n), 6) AS own_nats
FROM tagged
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, topic, context_id
HAVING sum(n) > 0 AND count(*) >= 5
ORDER BY topic, ordinal
