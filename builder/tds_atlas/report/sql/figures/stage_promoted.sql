-- What each stage added to the log-probability of the tokens it promoted and took from those it demoted, per position
-- of the answers, with 95 % intervals clustered by prompt.
WITH
    long AS (
        SELECT
            comparison_id,
            unnest([first_id, second_id]) AS stage_id,
            unnest([1, 2]) AS place,
            prompt_id,
            response_id,
            pos,
            role,
            unnest([first_delta, second_delta])::DOUBLE AS delta
        FROM stage
        WHERE first_delta IS NOT NULL AND second_delta IS NOT NULL
    ),
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
        FROM long
        CROSS JOIN (VALUES ('promoted'), ('demoted')) AS d(direction)
        GROUP BY ALL
    )
SELECT
    w.label AS chain,
    s.label AS comparison,
    direction,
    round(clustered_mean(x, n), 9) AS nats,
    round(clustered_mean(x, n) - clustered_half_width(x, n), 9) AS low_nats,
    round(clustered_mean(x, n) + clustered_half_width(x, n), 9) AS high_nats,
    round(sum(hits) / sum(n), 9) AS share
FROM per_prompt
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = per_prompt.comparison_id
GROUP BY w.ordinal, w.label, s.label, place, direction
ORDER BY w.ordinal, place, direction DESC
