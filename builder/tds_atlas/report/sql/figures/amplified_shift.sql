-- Share of the tokens that are shifted under the base (rank above 3 after the same text), by α, with 95 % intervals
-- clustered by prompt.
SELECT
    label AS comparison,
    alpha,
    unnest(share_interval(n_shifted::DOUBLE, n_tokens)),
    sum(n_tokens)::BIGINT AS tokens,
    count(*) AS prompts
FROM amplified_outcome
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, alpha
ORDER BY ordinal, alpha
