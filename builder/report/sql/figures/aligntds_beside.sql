-- The same records counted twice: filled, our way; open, as the code of AlignTDS counts.
WITH compatible AS MATERIALIZED (
    SELECT comparison_id, prompt_id, response_id, pos, shift, tp, jaccard_10, kl_10 FROM aligntds
), ours AS (
    SELECT comparison_id, prompt_id, count(*) AS n, count(*) FILTER (base_rank = 1)::DOUBLE AS unshifted,
           count(*) FILTER (base_rank IN (2, 3))::DOUBLE AS marginal, count(*) FILTER (base_rank > 3)::DOUBLE AS shifted,
           sum(jaccard_10) AS "Jaccard@10", sum(coalesce(exp(base_logprob::DOUBLE), 0)) AS "base probability",
           sum(kl_base_aligned::DOUBLE) AS "KL(base‖aligned)"
    FROM tds GROUP BY ALL
), theirs AS (
    SELECT comparison_id, prompt_id, count(*) AS n, count(*) FILTER (shift = 'unshifted')::DOUBLE AS unshifted,
           count(*) FILTER (shift = 'marginal')::DOUBLE AS marginal, count(*) FILTER (shift = 'shifted')::DOUBLE AS shifted,
           sum(jaccard_10) AS "Jaccard@10", sum(tp) AS "base probability", sum(kl_10) AS "KL(base‖aligned)"
    FROM compatible GROUP BY ALL
), counted_twice AS MATERIALIZED (
    SELECT 'ours' AS counted, * FROM ours UNION ALL SELECT 'AlignTDS', * FROM theirs
), long AS (
    UNPIVOT counted_twice
    ON unshifted, marginal, shifted, "Jaccard@10", "base probability", "KL(base‖aligned)" INTO NAME measure VALUE x
), reasons AS (
    SELECT t.comparison_id, count(*) FILTER (t.is_end) AS end_positions,
           count(*) FILTER (NOT t.is_end AND t.aligned_top_id <> t.token_id) AS other_token_positions,
           count(*) FILTER (a.shift <> t.shift) AS other_class_positions,
           count(*) FILTER (a.shift <> t.shift AND t.aligned_top_id = t.token_id) AS same_token_other_class_positions
    FROM tds t LEFT JOIN compatible a USING (comparison_id, response_id, pos) GROUP BY ALL
)
SELECT label AS comparison, measure, counted, round(clustered_mean(x, n), 10) AS mean, round(clustered_half_width(x, n), 6) AS half_width, sum(n)::BIGINT AS positions,
       any_value(COLUMNS(reasons.* EXCLUDE (comparison_id)))
FROM long JOIN comparison USING (comparison_id) JOIN reasons USING (comparison_id)
GROUP BY ordinal, label, measure, counted
ORDER BY list_position(['unshifted', 'marginal', 'shifted', 'Jaccard@10', 'base probability', 'KL(base‖aligned)'], measure), ordinal, counted DESC
