-- Branching factor along the answer: exp of the mean entropy of base and aligned model in each tenth of the answers'
-- length, with 95 % intervals clustered by prompt; over the response's text, not each model's own samples.
WITH
    long AS (
        SELECT
            ordinal,
            label,
            cluster_id,
            floor(10 * pos / n_tokens)::INTEGER AS tenth,
            unnest(['aligned', 'base']) AS model,
            unnest([aligned_entropy, base_entropy])::DOUBLE AS entropy
        FROM tds
        JOIN comparison USING (comparison_id)
    ),
    per_prompt AS (
        SELECT ordinal, label, model, tenth, cluster_id, count(*) AS n, sum(entropy) AS x
        FROM long
        WHERE entropy IS NOT NULL
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    model,
    (tenth + 0.5) / 10 AS along_share,
    exp(clustered_mean(x, n)) AS choices,
    kept_within(exp(clustered_mean(x, n) - clustered_half_width(x, n)), 1, NULL) AS low_choices,
    exp(clustered_mean(x, n) + clustered_half_width(x, n)) AS high_choices,
    sum(n)::BIGINT AS positions
FROM per_prompt
GROUP BY ordinal, label, model, tenth
ORDER BY ordinal, model, tenth
