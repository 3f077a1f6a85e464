-- One row per comparison of log-probabilities alone: how much likelier its answers are, with 95 % intervals by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) AS n,
            count(delta_logprob) AS known,
            coalesce(sum(delta_logprob), 0) AS delta,
            coalesce(sum(abs(delta_logprob)), 0) AS size,
            count(*) FILTER (abs(delta_logprob) > 0.1)::DOUBLE AS apart,
            count(shift) AS ranked,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS first,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS near,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS far
        FROM likelihood
        GROUP BY ALL
    ),
    said AS (
        SELECT
            comparison_id,
            count(*) AS prompts,
            sum(n)::BIGINT AS positions,
            sum(n - known)::BIGINT AS ruled_out,
            sum(ranked)::BIGINT AS ranked,
            clustered_mean(delta, known) AS delta,
            CASE WHEN sum(known) > 0 THEN signed_nats_interval(delta, known) END AS per_token,
            CASE WHEN sum(known) > 0 THEN clustered_mean(size, known) END AS size,
            CASE WHEN sum(known) > 0 THEN mean_bounds(size, known) END AS size_bounds,
            CASE WHEN sum(known) > 0 THEN clustered_mean(apart, known) END AS apart,
            CASE WHEN sum(known) > 0 THEN share_bounds(apart, known) END AS apart_bounds,
            CASE WHEN sum(ranked) > 0 THEN clustered_mean(first, ranked) END AS unshifted,
            CASE WHEN sum(ranked) > 0 THEN share_bounds(first, ranked) END AS unshifted_bounds,
            CASE WHEN sum(ranked) > 0 THEN clustered_mean(near, ranked) END AS marginal,
            CASE WHEN sum(ranked) > 0 THEN share_bounds(near, ranked) END AS marginal_bounds,
            CASE WHEN sum(ranked) > 0 THEN clustered_mean(far, ranked) END AS shifted,
            CASE WHEN sum(ranked) > 0 THEN share_bounds(far, ranked) END AS shifted_bounds
        FROM per_prompt
        GROUP BY comparison_id
    ),
    spread AS (
        SELECT
            comparison_id,
            count(DISTINCT response_id) AS answers,
            quantile_cont(abs(delta_logprob), 0.5) AS median_size,
            quantile_cont(abs(delta_logprob), 0.95) AS large_size,
            max(abs(delta_logprob)) AS largest,
            avg(js_lower) AS js_lower,
            avg(js_upper) AS js_upper,
            avg(kl_aligned_base_lower) AS kl_lower,
            avg(kl_base_aligned_lower) AS kl_back_lower
        FROM likelihood
        GROUP BY comparison_id
    )
SELECT
    c.comparison_id,
    c.label,
    c.base_condition_id,
    c.aligned_condition_id,
    said.* EXCLUDE (comparison_id, delta),
    spread.* EXCLUDE (comparison_id)
FROM comparison c
JOIN said USING (comparison_id)
JOIN spread USING (comparison_id)
ORDER BY c.ordinal
