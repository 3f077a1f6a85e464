-- Share of a stage's total |Δ log p| that its most changed positions carry, for growing shares of the positions.
SELECT
    w.label AS chain,
    s.label AS comparison,
    round(max(nth / n_all), 9) AS positions_share,
    round(max(so_far / total), 6) AS change_share
FROM steps_by_size() step
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = step.comparison_id
WHERE total > 0 AND nth / n_all >= 0.001
GROUP BY w.ordinal, w.label, s.label, place, ceil(16 * log10(nth / n_all))
ORDER BY w.ordinal, place, positions_share
