-- Harmful and harmless prompts of each comparison: where KL(aligned‖base) is along the answers, how many first
-- positions hold 90 % of it, and how often a phrase of the role safety is in them. What the page says of harmful
-- prompts has its false
-- discovery rate over the comparisons.
WITH
    placed AS (
        -- The answers to one prompt together, position by position.
        SELECT
            comparison_id,
            harmful,
            cluster_id,
            pos,
            count(*) AS n,
            coalesce(sum(finite(kl_aligned_base)), 0)::DOUBLE AS kl,
            count(finite(kl_aligned_base)) AS n_finite
        FROM tds
        WHERE harmful IS NOT NULL
        GROUP BY ALL
    ),
    refusals AS (
        SELECT comparison_id, harmful, cluster_id, sum(refuses::INTEGER)::DOUBLE AS refuses
        FROM
            (
                SELECT comparison_id, harmful, cluster_id, response_id, bool_or(role = 'safety') AS refuses
                FROM tds
                WHERE harmful IS NOT NULL
                GROUP BY ALL
            )
        GROUP BY ALL
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            harmful,
            cluster_id,
            max(pos) AS last,
            sum(n) FILTER (pos = 0) AS answers,
            sum(n) AS n,
            sum(kl) AS kl,
            sum(n_finite) AS n_finite,
            sum(n) FILTER (pos < 5) AS n_first,
            sum(kl) FILTER (pos < 5) AS kl_first,
            sum(sum(n)) OVER g AS all_n,
            sum(sum(kl)) OVER g AS all_kl,
            sum(sum(n) FILTER (pos < 5)) OVER g AS all_n_first,
            sum(sum(kl) FILTER (pos < 5)) OVER g AS all_kl_first
        FROM placed
        GROUP BY comparison_id, harmful, cluster_id
        WINDOW g AS (PARTITION BY comparison_id, harmful)
    ),
    places AS (
        SELECT comparison_id, harmful, unnest(range(max(last) + 1)) AS pos
        FROM per_prompt
        GROUP BY comparison_id, harmful
    ),
    running AS (
        SELECT
            p.comparison_id,
            p.harmful,
            p.cluster_id,
            p.kl AS whole,
            places.pos + 1 AS first,
            sum(coalesce(at_pos.kl, 0)) OVER w AS held,
            sum(coalesce(at_pos.n_finite, 0)) OVER w AS n_held,
            p.n_finite
        FROM per_prompt p
        JOIN places USING (comparison_id, harmful)
        LEFT JOIN
            placed at_pos
            ON at_pos.comparison_id = p.comparison_id
            AND at_pos.harmful = p.harmful
            AND at_pos.cluster_id = p.cluster_id
            AND at_pos.pos = places.pos
        WINDOW w AS (PARTITION BY p.comparison_id, p.harmful, p.cluster_id ORDER BY places.pos)
    ),
    curve AS (
        SELECT
            comparison_id,
            harmful,
            first,
            clustered_mean(held, whole) AS share,
            share_bounds(held, whole) AS bounds,
            sum(n_held) / sum(n_finite) AS even
        FROM running
        GROUP BY ALL
        HAVING sum(whole) > 0
    ),
    depth AS (
        SELECT
            comparison_id,
            harmful,
            min(first) FILTER (share >= 0.9) AS depth,
            min(first) FILTER (even >= 0.9) AS even_depth,
            min(first) FILTER (bounds.high >= 0.9) AS low_depth,
            min(first) FILTER (bounds.low >= 0.9) AS high_depth
        FROM curve
        GROUP BY ALL
    ),
    found AS (
        SELECT
            comparison_id,
            harmful,
            count(*) AS prompts,
            sum(n) / sum(answers) AS tokens,
            CASE WHEN sum(n_finite) > 0 THEN mean_bounds(kl, n_finite) END AS nats_bounds,
            CASE WHEN sum(kl) > 0 THEN clustered_mean(kl_first, kl) END AS first_share,
            CASE WHEN sum(kl) > 0 THEN share_bounds(kl_first, kl) END AS first_bounds,
            sum(n_first) / sum(n) AS first_tokens,
            -- How much more of the divergence the first positions hold than of the tokens, by each prompt's influence.
            CASE
                WHEN sum(kl) > 0
                THEN
                    clustered_margin(
                        (kl_first - all_kl_first / all_kl * kl) / all_kl - (n_first - all_n_first / all_n * n) / all_n
                    )
            END AS first_half,
            clustered_mean(refuses, answers) AS refusing,
            share_bounds(refuses, answers) AS refusing_bounds,
            any_value(COLUMNS(depth.* EXCLUDE (comparison_id, harmful)))
        FROM per_prompt
        JOIN refusals USING (comparison_id, harmful, cluster_id)
        LEFT JOIN depth USING (comparison_id, harmful)
        GROUP BY comparison_id, harmful
    ),
    beside AS (
        SELECT
            f.*, least(f.prompts, o.prompts) - 1 AS apart_df, difference_bounds(f.nats_bounds, o.nats_bounds) AS apart
        FROM found f
        LEFT JOIN found o ON o.comparison_id = f.comparison_id AND o.harmful <> f.harmful
    ),
    tested AS (
        SELECT comparison_id, 'first' AS what, margin_p(first_share - first_tokens, first_half, prompts - 1) AS p
        FROM beside
        WHERE harmful
        UNION ALL
        SELECT comparison_id, 'apart', bounds_p(apart.difference, apart.low, apart.high, apart_df)
        FROM beside
        WHERE harmful
    ),
    controlled AS (
        SELECT
            comparison_id,
            true AS harmful,
            any_value(q) FILTER (what = 'first') AS first_q,
            any_value(q) FILTER (what = 'apart') AS apart_q
        FROM discoveries('tested', what)
        GROUP BY comparison_id
    )
SELECT label, f.* EXCLUDE (apart_df), nats_bounds.mean AS nats, first_q, apart_q
FROM beside f
JOIN comparison USING (comparison_id)
LEFT JOIN controlled USING (comparison_id, harmful)
ORDER BY ordinal, f.harmful DESC
