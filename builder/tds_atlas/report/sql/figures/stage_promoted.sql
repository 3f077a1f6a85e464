-- What each stage added to the log-probability of the tokens it promoted and took from those it demoted, per position
-- of the answers, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            stage_id,
            place,
            cluster_id,
            count(*) AS n,
            unnest(
                [
                    {'direction': 'promoted', 'x': sum(greatest(delta, 0)), 'hits': count(*) FILTER (delta > 0)},
                    {'direction': 'demoted', 'x': sum(least(delta, 0)), 'hits': count(*) FILTER (delta < 0)}
                ],
                recursive := true
            )
        FROM stage_step
        JOIN prompt_cluster USING (prompt_id)
        WHERE has_both
        GROUP BY comparison_id, stage_id, place, cluster_id
    )
SELECT
    chain,
    comparison,
    direction,
    unnest(signed_nats_interval(x, n, decimals := 9)),
    round(sum(hits) / sum(n), 9) AS share
FROM per_prompt
JOIN stage_names() USING (comparison_id, stage_id)
GROUP BY ordinal, chain, comparison, place, direction
ORDER BY ordinal, place, direction DESC
