-- One row per comparison: the numbers that the pages quote.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (pos = 0) AS answers,
            count(*) AS n,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS u,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS m,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS s,
            sum(kl_aligned_base)::DOUBLE AS kl,
            sum(js)::DOUBLE AS js,
            sum(js_lower)::DOUBLE AS js_least,
            sum(js_upper)::DOUBLE AS js_most,
            sum(kl_aligned_base_lower)::DOUBLE AS kl_least,
            sum(base_rank <= 10)::DOUBLE AS top10,
            count(*) FILTER (pos < 5) AS n_first,
            count(*) FILTER (shift = 'shifted' AND pos < 5)::DOUBLE AS s_first,
            count(*) FILTER (pos >= 5) AS n_later,
            count(*) FILTER (shift = 'shifted' AND pos >= 5)::DOUBLE AS s_later
        FROM tds
        GROUP BY ALL
    )
SELECT
    comparison_id,
    label,
    source,
    base_condition_id,
    aligned_condition_id,
    count(*) AS prompts,
    sum(answers)::BIGINT AS answers,
    sum(n)::BIGINT AS positions,
    clustered_mean(u, n) AS unshifted,
    share_bounds(u, n) AS unshifted_bounds,
    clustered_mean(m, n) AS marginal,
    share_bounds(m, n) AS marginal_bounds,
    clustered_mean(s, n) AS shifted,
    share_bounds(s, n) AS shifted_bounds,
    clustered_mean(kl, n) AS kl,
    mean_bounds(kl, n) AS kl_bounds,
    clustered_mean(js, n) AS js,
    clustered_mean(js_least, n) AS js_lower,
    clustered_mean(js_most, n) AS js_upper,
    mean_bounds(js_least, n).low AS js_low,
    mean_bounds(js_most, n).high AS js_high,
    clustered_mean(kl_least, n) AS kl_lower,
    clustered_mean(top10, n) AS top10,
    clustered_mean(s_first, n_first) AS shifted_first,
    share_bounds(s_first, n_first) AS shifted_first_bounds,
    CASE WHEN sum(n_later) > 0 THEN clustered_mean(s_later, n_later) END AS shifted_later,
    CASE WHEN sum(n_later) > 0 THEN share_bounds(s_later, n_later) END AS shifted_later_bounds,
    sum(n_first) / sum(n) AS first_share
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY comparison_id, label, source, base_condition_id, aligned_condition_id
ORDER BY any_value(ordinal)
