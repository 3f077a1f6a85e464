-- The answer's tokens that each stage made the first choice, those of them shifted before, and those that the first
-- stage had made it and the second undid.
WITH
    marks AS (
        SELECT
            comparison_id,
            stage_id,
            place,
            prompt_id,
            before > 1 AND after = 1 AS made,
            before > 3 AND after = 1 AS from_shifted,
            base_rank > 1 AND middle_rank = 1 AND aligned_rank > 1 AS undone
        FROM
            (
                SELECT
                    comparison_id,
                    unnest([first_id, second_id]) AS stage_id,
                    unnest([1, 2]) AS place,
                    prompt_id,
                    base_rank,
                    middle_rank,
                    aligned_rank,
                    unnest([base_rank, middle_rank]) AS before,
                    unnest([middle_rank, aligned_rank]) AS after
                FROM stage
            )
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            stage_id,
            place,
            prompt_id,
            count(*) AS n,
            count(*) FILTER (made)::DOUBLE AS x,
            count(*) FILTER (from_shifted)::DOUBLE AS y,
            count(*) FILTER (undone)::DOUBLE AS z
        FROM marks
        GROUP BY ALL
    )
SELECT
    w.label AS chain,
    s.label AS comparison,
    place,
    round(clustered_mean(x, n), 9) AS made,
    round(clustered_half_width(x, n), 9) AS made_half,
    round(clustered_mean(y, n), 9) AS from_shifted,
    round(clustered_half_width(y, n), 9) AS from_shifted_half,
    sum(z)::BIGINT AS undone
FROM per_prompt
JOIN comparison s ON s.comparison_id = stage_id
JOIN comparison w ON w.comparison_id = per_prompt.comparison_id
GROUP BY w.ordinal, w.label, s.label, place
ORDER BY w.ordinal, place
