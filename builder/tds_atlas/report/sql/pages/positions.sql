-- Every position of some of a comparison's answers and the divergence of its two conditions there, for the example
-- pages; 1e9 for an infinite KL. Where lists bound it only, the value is NULL, and the bounds say what it is at least
-- and
-- at most.
SELECT
    p.response_id,
    p.pos,
    p.token_id,
    p.char_end - p.char_start AS length,
    p.is_end,
    p.segment,
    p.segment_start,
    CASE
        WHEN isinf(d.kl_aligned_base)
        THEN 1e9
        WHEN d.kl_aligned_base IS NOT NULL
        THEN least(greatest(round(10000 * d.kl_aligned_base), 0), 1e9 - 1)
    END::INTEGER AS kl_aligned_base_tenth_millinats,
    CASE
        WHEN isinf(d.kl_base_aligned)
        THEN 1e9
        WHEN d.kl_base_aligned IS NOT NULL
        THEN least(greatest(round(10000 * d.kl_base_aligned), 0), 1e9 - 1)
    END::INTEGER AS kl_base_aligned_tenth_millinats,
    CASE WHEN d.js IS NOT NULL THEN greatest(round(10000 * d.js), 0) END::INTEGER AS js_tenth_millinats,
    CASE WHEN d.js IS NULL AND d.js_lower IS NOT NULL THEN floor(10000 * d.js_lower) END::INTEGER AS js_at_least,
    CASE WHEN d.js IS NULL AND d.js_upper IS NOT NULL THEN ceil(10000 * d.js_upper) END::INTEGER AS js_at_most,
    CASE
        WHEN d.kl_aligned_base IS NULL AND d.kl_aligned_base_lower IS NOT NULL
        THEN least(floor(10000 * d.kl_aligned_base_lower), 1e9)
    END::INTEGER AS kl_aligned_base_at_least,
    CASE
        WHEN d.kl_base_aligned IS NULL AND d.kl_base_aligned_lower IS NOT NULL
        THEN least(floor(10000 * d.kl_base_aligned_lower), 1e9)
    END::INTEGER AS kl_base_aligned_at_least
FROM comparison c
JOIN response r ON r.source = c.source
JOIN "position" p USING (response_id)
JOIN divergence d ON d.response_id = p.response_id AND d.pos = p.pos AND d.comparison_id = c.comparison_id
WHERE c.comparison_id = $comparison_id AND r.response_id IN (SELECT unnest($responses))
ORDER BY p.response_id, p.pos
