-- Positions at which a divergence is infinite, and the first comparison with one.
SELECT count(*) AS positions, min(comparison_id) AS comparison_id
FROM divergence
WHERE NOT isfinite(kl_aligned_base) OR NOT isfinite(kl_base_aligned) OR NOT isfinite(js)
