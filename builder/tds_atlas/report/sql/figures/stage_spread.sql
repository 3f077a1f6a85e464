-- Share of a stage's total |Δ log p| that its most changed positions carry, for growing shares of the positions.
SELECT chain, comparison, round(max(nth / n_all), 9) AS positions_share, round(max(so_far / total), 6) AS change_share
FROM steps_by_size()
JOIN stage_names() USING (comparison_id, stage_id)
WHERE total > 0 AND nth / n_all >= 0.001
GROUP BY ordinal, chain, comparison, place, ceil(16 * log10(nth / n_all))
ORDER BY ordinal, place, positions_share
