-- Mean change of the answer's log-probability that each stage of a chain brought, by what the token is for, with 95 %
-- intervals clustered by prompt; roles in at least 5 prompts.
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
        SELECT comparison_id, stage_id, place, name, prompt_id, count(*) AS n, sum(delta) AS x
        FROM long
        CROSS JOIN LATERAL unnest(['all', role]) AS names(name)
        GROUP BY ALL
    )
SELECT
    w.label AS chain,
    s.label AS comparison,
    name AS role,
    round(clustered_mean(x, n), 9) AS nats,
    round(clustered_mean(x, n) - clustered_half_width(x, n), 9) AS low_nats,
    round(clustered_mean(x, n) + clustered_half_width(x, n), 9) AS high_nats,
    sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = per_prompt.comparison_id
GROUP BY w.ordinal, w.label, s.label, place, name
HAVING count(*) >= 5 OR name = 'all'
ORDER BY w.ordinal, list_position(['all', 'safety', 'style', 'knowledge', 'content', 'glue', 'end'], name), place
