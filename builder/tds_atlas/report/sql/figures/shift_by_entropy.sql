-- Share of shifted tokens by the entropy of the base, in tenths of each comparison's positions from the most to the
-- least confident, at the mean entropy of each tenth, with 95 % intervals clustered by prompt.
WITH
    cut AS (
        SELECT
            comparison_id,
            cluster_id,
            shift,
            base_entropy,
            ntile(10) OVER (PARTITION BY comparison_id ORDER BY base_entropy, response_id, pos) AS tenth
        FROM tds
        WHERE base_entropy IS NOT NULL
    ),
    per_prompt AS (
        SELECT
            ordinal,
            label,
            tenth,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            sum(base_entropy)::DOUBLE AS h
        FROM cut
        JOIN comparison USING (comparison_id)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    tenth,
    sum(h) / sum(n) AS entropy_nats,
    unnest(share_interval(x, n)),
    sum(n)::BIGINT AS positions
FROM per_prompt
GROUP BY ordinal, label, tenth
ORDER BY ordinal, tenth
