-- The answer's tokens that each stage made the first choice, those of them shifted before, and those that the first
-- stage set and the second undid.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            stage_id,
            place,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (before_rank > 1 AND after_rank = 1)::DOUBLE AS x,
            count(*) FILTER (shift_class(before_rank) = 'shifted' AND after_rank = 1)::DOUBLE AS y,
            count(*) FILTER (base_rank > 1 AND middle_rank = 1 AND aligned_rank > 1)::DOUBLE AS z
        FROM stage_step
        JOIN prompt_cluster USING (prompt_id)
        GROUP BY ALL
    )
SELECT
    chain,
    comparison,
    place,
    round(clustered_mean(x, n), 9) AS made,
    share_bounds(x, n) AS made_bounds,
    round(clustered_mean(y, n), 9) AS from_shifted,
    share_bounds(y, n) AS from_shifted_bounds,
    sum(z)::BIGINT AS undone
FROM per_prompt
JOIN stage_names() USING (comparison_id, stage_id)
GROUP BY ordinal, chain, comparison, place
ORDER BY ordinal, place
