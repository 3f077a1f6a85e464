-- Share of all KL(aligned‖base) carried by a share of the positions, largest KL first (a Lorenz curve from its top);
-- the marked points are at half and at 90 % of it.
WITH
    ranked AS (
        SELECT
            comparison_id,
            kl_aligned_base::DOUBLE AS kl,
            row_number() OVER w AS r,
            count(*) OVER c AS size,
            round(sum(kl_aligned_base::DOUBLE) OVER w / sum(kl_aligned_base::DOUBLE) OVER c, 10) AS kl_share
        FROM tds
        WHERE isfinite(kl_aligned_base)
        WINDOW
            c AS (PARTITION BY comparison_id),
            w AS (PARTITION BY comparison_id ORDER BY kl_aligned_base DESC ROWS UNBOUNDED PRECEDING)
        QUALIFY sum(kl_aligned_base::DOUBLE) OVER c > 0  -- of nothing there are no shares
    ),
    reached AS (
        SELECT
            comparison_id,
            carries,
            min(r) AS r,
            arg_min(kl, r) AS cut,
            arg_min(kl_share, r) AS kl_share,
            any_value(size) AS size
        FROM ranked
        CROSS JOIN (VALUES (0.5::DOUBLE), (0.9)) AS parts(carries)
        WHERE kl_share >= carries
        GROUP BY ALL
    ),
    per_prompt AS (
        -- The cut depends on the data too: position by position, the share that carries q of all KL has the influence
        -- [KL >= cut] (1 - KL / cut) + q KL / cut, whose mean is that share.
        SELECT
            comparison_id,
            carries,
            cluster_id,
            count(*) AS n,
            sum(
                CASE WHEN kl_aligned_base >= cut THEN 1 - kl_aligned_base / cut ELSE 0 END
                + carries * kl_aligned_base / cut
            ) AS x
        FROM tds
        JOIN reached USING (comparison_id)
        WHERE cut > 0 AND isfinite(kl_aligned_base)
        GROUP BY ALL
    ),
    widths AS (SELECT comparison_id, carries, share_bounds(x, n) AS bounds FROM per_prompt GROUP BY ALL),
    points AS (
        SELECT comparison_id, r / size AS positions_share, kl_share, r, NULL AS carries, NULL AS bounds
        FROM ranked
        WHERE kl_share >= 0.005 AND (r IN (1, size) OR floor(14 * log10(r)) > floor(14 * log10(r - 1)))
        UNION ALL
        SELECT comparison_id, r / size, kl_share, r, carries, bounds
        FROM reached
        JOIN widths USING (comparison_id, carries)
    )
SELECT
    label AS comparison,
    positions_share,
    kl_share,
    r AS positions,
    carries AS carries_share,
    -- The share itself is a whole number of positions, and may be beyond a narrow interval by less than one.
    CASE WHEN bounds.low IS NOT NULL THEN round(least(bounds.low, positions_share), 6) END AS low_share,
    CASE WHEN bounds.high IS NOT NULL THEN round(greatest(bounds.high, positions_share), 6) END AS high_share
FROM points
JOIN comparison USING (comparison_id)
ORDER BY ordinal, r, carries NULLS FIRST
