-- Which tokens did tuning raise most often on texts that have nothing to do with it?
-- part: Probes
-- needs: fingerprint
SELECT
    comparison_id,
    token_id,
    token,
    rate AS raised_share,
    against_rate AS yardstick_share,
    excess,
    half_width,
    strength,
    is_named AS stands_out
FROM fingerprint_token
ORDER BY comparison_id, strength DESC, token_id
LIMIT 20
