-- Share of shifted tokens in each tenth of the answer's length, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            1 + floor(10 * segment_pos / length)::INTEGER AS tenth,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            sum(finite(kl_aligned_base)::DOUBLE) AS kl,
            count(finite(kl_aligned_base)) AS with_kl
        FROM
            (
                SELECT *, count(*) OVER (PARTITION BY comparison_id, response_id, pos - segment_pos) AS length
                FROM tds
                WHERE segment = part_asked(NULL)
            )
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    tenth,
    unnest(share_interval(x, n)),
    round(clustered_mean(kl, with_kl), 10) AS kl_aligned_base_nats,
    sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, tenth
ORDER BY ordinal, tenth
