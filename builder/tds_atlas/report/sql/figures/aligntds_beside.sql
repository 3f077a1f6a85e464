-- The same records counted in two ways: ours (filled), and that of the AlignTDS code (open).
WITH
    answer AS MATERIALIZED(FROM counted_twice),
    long AS (
        UNPIVOT (
            SELECT
                counted,
                comparison_id,
                cluster_id,
                sum(positions) AS n,
                sum(unshifted)::DOUBLE AS unshifted,
                sum(marginal)::DOUBLE AS marginal,
                sum(shifted)::DOUBLE AS shifted,
                sum(jaccard_10) AS "Jaccard@10",
                sum(base_probability) AS "base probability",
                sum(kl_base_aligned) AS "KL(base‖aligned)"
            FROM
                (
                    SELECT 'ours' AS counted, comparison_id, prompt_id, unnest(ours)
                    FROM answer
                    WHERE comparison_id IN (SELECT comparison_id FROM answer WHERE aligntds.positions > 0)
                    UNION ALL
                    SELECT 'AlignTDS', comparison_id, prompt_id, unnest(aligntds)
                    FROM answer
                    WHERE aligntds.positions > 0
                )
            JOIN prompt_cluster USING (prompt_id)
            GROUP BY counted, comparison_id, cluster_id
        )
        ON unshifted,
        marginal,
        shifted,
        "Jaccard@10",
        "base probability",
        "KL(base‖aligned)" INTO NAME measure VALUE x
    ),
    reasons AS (
        SELECT
            comparison_id,
            sum(end_positions)::BIGINT AS end_positions,
            sum(other_token_positions)::BIGINT AS other_token_positions,
            sum(other_class_positions)::BIGINT AS other_class_positions,
            sum(same_token_other_class_positions)::BIGINT AS same_token_other_class_positions
        FROM answer
        GROUP BY comparison_id
    )
SELECT
    label AS comparison,
    measure,
    counted,
    round(clustered_mean(x, n), 10) AS mean,
    CASE WHEN measure LIKE '%shifted' OR measure = 'marginal' THEN round(share_bounds(x, n).low, 6) END AS low_share,
    CASE WHEN measure LIKE '%shifted' OR measure = 'marginal' THEN round(share_bounds(x, n).high, 6) END AS high_share,
    sum(n)::BIGINT AS positions,
    any_value(COLUMNS(reasons.* EXCLUDE (comparison_id)))
FROM long
JOIN comparison USING (comparison_id)
JOIN reasons USING (comparison_id)
GROUP BY ordinal, label, measure, counted
ORDER BY
    list_position(['unshifted', 'marginal', 'shifted', 'Jaccard@10', 'base probability', 'KL(base‖aligned)'], measure),
    ordinal,
    counted DESC
