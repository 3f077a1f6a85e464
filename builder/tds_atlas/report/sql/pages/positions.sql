-- Every position of some of a comparison's answers and the divergence of its two conditions there, for the example
-- pages; 1e9 for an infinite KL.
SELECT
    p.response_id,
    p.pos,
    p.token_id,
    p.char_end - p.char_start AS length,
    p.is_end,
    p.segment,
    p.segment_start,
    least(
        greatest(round(10000 * d.kl_aligned_base), 0), CASE WHEN isinf(d.kl_aligned_base) THEN 1e9 ELSE 1e9 - 1 END
    )::INTEGER AS kl_aligned_base_tenth_millinats,
    least(
        greatest(round(10000 * d.kl_base_aligned), 0), CASE WHEN isinf(d.kl_base_aligned) THEN 1e9 ELSE 1e9 - 1 END
    )::INTEGER AS kl_base_aligned_tenth_millinats,
    greatest(round(10000 * d.js), 0)::INTEGER AS js_tenth_millinats
FROM comparison c
JOIN response r ON r.source = c.source
JOIN "position" p USING (response_id)
JOIN divergence d ON d.response_id = p.response_id AND d.pos = p.pos AND d.comparison_id = c.comparison_id
WHERE c.comparison_id = $comparison_id AND r.response_id IN (SELECT unnest($responses))
ORDER BY p.response_id, p.pos
