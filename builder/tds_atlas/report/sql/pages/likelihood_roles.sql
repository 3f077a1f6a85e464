-- Of each comparison of log-probabilities alone, Δ log p of the tokens of each role, with its 95 % interval by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id, role, cluster_id, count(*) AS n, sum(delta_logprob) AS delta, sum(abs(delta_logprob)) AS size
        FROM likelihood
        WHERE delta_logprob IS NOT NULL
        GROUP BY ALL
    )
SELECT
    c.label,
    role,
    sum(n)::BIGINT AS tokens,
    count(*) AS prompts,
    signed_nats_interval(delta, n) AS per_token,
    clustered_mean(size, n) AS size
FROM per_prompt
JOIN comparison c USING (comparison_id)
GROUP BY c.ordinal, c.label, role
ORDER BY c.ordinal, tokens DESC, role
