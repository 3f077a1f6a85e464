-- Share of a stage's total |Δ log p| that its most changed positions carry, for growing shares of the positions.
WITH
    ordered AS (
        SELECT
            *,
            abs(delta) AS size,
            sum(abs(delta)) OVER (PARTITION BY comparison_id, place) AS total,
            sum(abs(delta)) OVER down AS so_far,
            row_number() OVER down AS nth,
            count(*) OVER (PARTITION BY comparison_id, place) AS n_all
        FROM stage_step
        WHERE has_both
        WINDOW
            down AS (
                PARTITION BY comparison_id, place ORDER BY abs(delta) DESC, response_id, pos ROWS UNBOUNDED PRECEDING
            )
    )
SELECT
    w.label AS chain,
    s.label AS comparison,
    round(max(nth / n_all), 9) AS positions_share,
    round(max(so_far / total), 6) AS change_share
FROM ordered
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = ordered.comparison_id
WHERE total > 0 AND nth / n_all >= 0.001
GROUP BY w.ordinal, w.label, s.label, place, ceil(16 * log10(nth / n_all))
ORDER BY w.ordinal, place, positions_share
