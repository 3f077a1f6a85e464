-- Amplified decoding by comparison and α: what the answers are, with 95 % intervals clustered by prompt, and how
-- refusals
-- and shifted tokens differ from those at α = 0, paired by prompt (sign test, t test), with the false discovery rate of
-- each over all comparisons and α.
WITH
    plain AS (
        SELECT comparison_id, cluster_id, refusing, n_shifted / n_tokens AS shifted
        FROM amplified_outcome
        WHERE alpha = 0
    ),
    paired AS (
        SELECT
            comparison_id,
            alpha,
            avg(o.refusing - plain.refusing) AS refusing_more,
            clustered_half_width(o.refusing - plain.refusing, 1) AS refusing_half,
            mcnemar_p(
                count(*) FILTER (o.refusing > plain.refusing), count(*) FILTER (o.refusing < plain.refusing)
            ) AS refusing_p,
            avg(n_shifted / n_tokens - shifted) AS shifted_more,
            clustered_half_width(n_shifted / n_tokens - shifted, 1) AS shifted_half,
            paired_p(n_shifted / n_tokens - shifted) AS shifted_p
        FROM amplified_outcome o
        JOIN plain USING (comparison_id, cluster_id)
        WHERE alpha <> 0
        GROUP BY comparison_id, alpha
    ),
    tested AS (
        SELECT comparison_id, alpha, 'refusing' AS what, refusing_p AS p
        FROM paired
        UNION ALL
        SELECT comparison_id, alpha, 'shifted', shifted_p
        FROM paired
    ),
    controlled AS (
        SELECT
            comparison_id,
            alpha,
            any_value(q) FILTER (what = 'refusing') AS refusing_q,
            any_value(q) FILTER (what = 'shifted') AS shifted_q
        FROM discoveries('tested', what)
        GROUP BY comparison_id, alpha
    ),
    summed AS (
        SELECT
            comparison_id,
            alpha,
            count(*) AS prompts,
            sum(answers)::BIGINT AS answers,
            share_bounds(refusing * answers, answers) AS refusing,
            round(sum(refusing * answers))::BIGINT AS refusals,
            share_bounds(going_round * answers, answers) AS going_round,
            round(sum(going_round * answers))::BIGINT AS rounds,
            share_bounds(cut * answers, answers) AS cut,
            share_bounds(right_share, 1) AS right_share,
            share_bounds(style * answers, answers) AS style,
            sum(n_tokens) / sum(answers) AS tokens,
            mean_bounds(n_tokens::DOUBLE, answers) AS length,
            share_bounds(n_shifted::DOUBLE, n_tokens) AS shifted,
            share_bounds(n_marginal::DOUBLE, n_tokens) AS marginal,
            sum(logprob) / sum(n_tokens) AS nats
        FROM amplified_outcome
        GROUP BY comparison_id, alpha
    )
SELECT
    comparison_id,
    label,
    alpha,
    summed.* EXCLUDE (comparison_id, alpha),
    max(alpha) OVER (PARTITION BY comparison_id) AS loudest,
    refusing_more,
    refusing_half,
    refusing_q,
    shifted_more,
    shifted_half,
    shifted_q
FROM summed
JOIN comparison USING (comparison_id)
LEFT JOIN paired USING (comparison_id, alpha)
LEFT JOIN controlled USING (comparison_id, alpha)
ORDER BY ordinal, alpha
