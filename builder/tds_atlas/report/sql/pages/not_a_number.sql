-- At how many positions a divergence is not a number, or JS, which has an upper bound, infinite.
SELECT count(*) AS positions FROM divergence WHERE isnan(kl_aligned_base + kl_base_aligned) OR NOT isfinite(js)
