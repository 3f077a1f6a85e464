-- Mean probability of the first tokens of the aligned model's own refusal after k tokens of the base's answer, under
-- the aligned model and under the base in its own context, with 95 % intervals; prompts that the aligned model refuses
-- at k = 0.
WITH
    long AS (
        SELECT
            ordinal,
            label,
            k,
            cluster_id,
            unnest(['aligned', 'base']) AS model,
            unnest([coalesce(exp(opening_logprob::DOUBLE), 0), coalesce(exp(base_opening_logprob::DOUBLE), 0)]) AS p
        FROM prefill
        JOIN comparison USING (comparison_id)
        JOIN prompt_cluster USING (prompt_id)
        WHERE kind = 'tuning' AND opening IS NOT NULL
    ),
    per_prompt AS (SELECT ordinal, label, model, k, cluster_id, avg(p) AS x FROM long GROUP BY ALL)
SELECT
    label AS comparison,
    model,
    k,
    clustered_mean(x, 1) AS probability,
    share_bounds(x, 1).low AS low_probability,
    share_bounds(x, 1).high AS high_probability,
    count(*) AS prompts
FROM per_prompt
GROUP BY ordinal, label, model, k
ORDER BY ordinal, model, k
