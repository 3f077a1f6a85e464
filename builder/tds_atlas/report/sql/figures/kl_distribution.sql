-- Distribution of KL(aligned‖base) over positions, in quarter decades; values of at most 1e-9 nats are at the left end.
-- Below the noise floor, the largest KL of one condition measured twice in the same data type, a difference means
-- nothing.
WITH
    binned AS (
        SELECT
            comparison_id,
            cluster_id,
            CASE
                WHEN kl_aligned_base > 1e-9 THEN floor(4 * log10(kl_aligned_base::DOUBLE))::INTEGER ELSE -36
            END AS bin,
            kl_aligned_base
        FROM tds
        WHERE isfinite(kl_aligned_base)
    ),
    per_prompt AS (SELECT comparison_id, cluster_id, count(*) AS n FROM binned GROUP BY ALL),
    counts AS (SELECT comparison_id, cluster_id, bin, count(*)::DOUBLE AS x FROM binned GROUP BY ALL),
    bins AS (SELECT unnest(range(min(bin), max(bin) + 1)) AS bin FROM binned),
    floor_of AS (SELECT max(finite(kl_again_first))::DOUBLE AS floor_nats FROM noise WHERE arithmetic = 'rebatched'),
    under AS (
        SELECT comparison_id, avg((kl_aligned_base <= floor_nats)::INTEGER) AS under_floor_share
        FROM tds
        CROSS JOIN floor_of
        WHERE isfinite(kl_aligned_base)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    power(10, bin / 4) AS low_nats,
    power(10, (bin + 1) / 4) AS high_nats,
    unnest(share_interval(coalesce(x, 0), n)),
    coalesce(sum(x), 0)::BIGINT AS positions,
    any_value(floor_nats) AS floor_nats,
    any_value(under_floor_share) AS under_floor_share
FROM per_prompt
CROSS JOIN bins
CROSS JOIN floor_of
JOIN comparison USING (comparison_id)
JOIN under USING (comparison_id)
LEFT JOIN counts USING (comparison_id, cluster_id, bin)
GROUP BY ordinal, label, bin
ORDER BY ordinal, bin
