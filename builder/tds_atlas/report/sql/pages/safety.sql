-- Harmful and harmless prompts of each comparison: where KL(aligned‖base) is along the answers, how many first
-- positions hold 90 % of it, and how often a phrase of the role safety is in them.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            harmful,
            prompt_id,
            count(*) AS n,
            sum(finite(kl_aligned_base))::DOUBLE AS kl,
            count(finite(kl_aligned_base)) AS n_finite,
            count(*) FILTER (pos < 5) AS n_first,
            coalesce(sum(finite(kl_aligned_base)) FILTER (pos < 5), 0)::DOUBLE AS kl_first,
            bool_or(role = 'safety')::INTEGER::DOUBLE AS refuses
        FROM tds
        WHERE harmful IS NOT NULL
        GROUP BY ALL
    ),
    places AS (
        SELECT comparison_id, harmful, unnest(range(max(n))) AS pos FROM per_prompt GROUP BY comparison_id, harmful
    ),
    running AS (
        SELECT
            p.comparison_id,
            p.harmful,
            p.prompt_id,
            p.kl AS whole,
            places.pos + 1 AS first,
            sum(coalesce(finite(kl_aligned_base), 0)::DOUBLE) OVER (
                PARTITION BY p.comparison_id, p.prompt_id ORDER BY places.pos
            ) AS held,
            count(finite(kl_aligned_base)) OVER (
                PARTITION BY p.comparison_id, p.prompt_id ORDER BY places.pos
            ) AS n_held,
            n_finite
        FROM per_prompt p
        JOIN places USING (comparison_id, harmful)
        LEFT JOIN tds t ON t.comparison_id = p.comparison_id AND t.prompt_id = p.prompt_id AND t.pos = places.pos
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
    )
SELECT
    comparison_id,
    label,
    harmful,
    count(*) AS prompts,
    avg(n) AS tokens,
    CASE WHEN sum(n_finite) > 0 THEN clustered_mean(kl, n_finite) END AS nats,
    CASE WHEN sum(n_finite) > 0 THEN clustered_half_width(kl, n_finite) END AS nats_half,
    CASE WHEN sum(kl) > 0 THEN clustered_mean(kl_first, kl) END AS first_share,
    CASE WHEN sum(kl) > 0 THEN share_bounds(kl_first, kl) END AS first_bounds,
    sum(n_first) / sum(n) AS first_tokens,
    avg(refuses) AS refusing,
    share_bounds(refuses, 1) AS refusing_bounds,
    any_value(depth) AS depth,
    any_value(low_depth) AS low_depth,
    any_value(high_depth) AS high_depth,
    any_value(even_depth) AS even_depth
FROM per_prompt
JOIN comparison USING (comparison_id)
LEFT JOIN depth USING (comparison_id, harmful)
GROUP BY ordinal, comparison_id, label, harmful
ORDER BY ordinal, harmful DESC
