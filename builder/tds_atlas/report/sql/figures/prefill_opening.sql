-- Mean probability of the first tokens of the aligned model's own refusal after k tokens of the base's answer, under
-- the aligned model and under the base in its own context, with 95 % intervals; prompts that the aligned model refuses
-- at k = 0.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            k,
            unnest(
                [
                    {'model': 'aligned', 'x': avg(coalesce(exp(opening_logprob::DOUBLE), 0))},
                    {'model': 'base', 'x': avg(coalesce(exp(base_opening_logprob::DOUBLE), 0))}
                ],
                recursive := true
            )
        FROM prefill
        JOIN prompt_cluster USING (prompt_id)
        WHERE opening IS NOT NULL
        GROUP BY comparison_id, k, cluster_id
    )
SELECT
    label AS comparison,
    model,
    k,
    clustered_mean(x, 1) AS probability,
    share_bounds(x, 1).low AS low_probability,
    share_bounds(x, 1).high AS high_probability,
    count(*) AS prompts
FROM per_prompt
JOIN comparison USING (comparison_id)
WHERE kind = 'tuning'
GROUP BY ordinal, label, model, k
ORDER BY ordinal, model, k
