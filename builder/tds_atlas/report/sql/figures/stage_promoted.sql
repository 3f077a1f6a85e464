-- What each stage added to the log-probability of the tokens it promoted and took from those it demoted, per position
-- of the answers, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            stage_id,
            place,
            direction,
            prompt_id,
            count(*) AS n,
            sum(CASE WHEN (direction = 'promoted') = (delta > 0) THEN delta ELSE 0 END) AS x,
            count(*) FILTER (CASE WHEN direction = 'promoted' THEN delta > 0 ELSE delta < 0 END) AS hits
        FROM stage_step
        CROSS JOIN (VALUES ('promoted'), ('demoted')) AS d(direction)
        WHERE has_both
        GROUP BY ALL
    )
SELECT
    w.label AS chain,
    s.label AS comparison,
    direction,
    unnest(nats_interval(x, n, decimals := 9)),
    round(sum(hits) / sum(n), 9) AS share
FROM per_prompt
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = per_prompt.comparison_id
GROUP BY w.ordinal, w.label, s.label, place, direction
ORDER BY w.ordinal, place, direction DESC
