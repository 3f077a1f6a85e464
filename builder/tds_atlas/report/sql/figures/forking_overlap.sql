-- Of the fifth of positions where the base has the highest entropy, the share also in the aligned model's fifth, with
-- 95 % intervals clustered by prompt, and the Jaccard index of the two sets; by chance the share would be 20 %:
-- q is the false discovery rate against that over the comparisons.
WITH
    ranked AS (
        SELECT
            comparison_id,
            cluster_id,
            row_number() OVER (PARTITION BY comparison_id ORDER BY base_entropy DESC, response_id, pos)
            <= ceil(0.2 * count(*) OVER (PARTITION BY comparison_id)) AS in_base,
            row_number() OVER (PARTITION BY comparison_id ORDER BY aligned_entropy DESC, response_id, pos)
            <= ceil(0.2 * count(*) OVER (PARTITION BY comparison_id)) AS in_aligned
        FROM tds
        WHERE base_entropy IS NOT NULL AND aligned_entropy IS NOT NULL
    ),
    per_prompt AS (
        SELECT
            ordinal,
            label,
            cluster_id,
            count(*) FILTER (in_base) AS n,
            count(*) FILTER (in_base AND in_aligned)::DOUBLE AS x,
            count(*) FILTER (in_base OR in_aligned) AS either
        FROM ranked
        JOIN comparison USING (comparison_id)
        GROUP BY ALL
    ),
    found AS (
        SELECT
            ordinal,
            label AS comparison,
            count(*) AS prompts,
            unnest(share_interval(x, n)),
            clustered_mean(x, either) AS jaccard,
            sum(n)::BIGINT AS positions
        FROM per_prompt
        GROUP BY ordinal, label
    ),
    tested AS (SELECT *, bounds_p(share - 0.2, low_share - 0.2, high_share - 0.2, prompts - 1) AS p FROM found)
SELECT comparison, share, low_share, high_share, jaccard, positions, q
FROM discoveries('tested', true)
ORDER BY ordinal
