-- One row per comparison of two tokenizers: what both say about stretches of bytes, with 95 % intervals by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) AS n,
            count(shift) AS ranked,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS first,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS near,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS far,
            count(is_base_greedy) AS known,
            count(*) FILTER (is_base_greedy)::DOUBLE AS greedy,
            count(is_base_greedy) FILTER (NOT is_one_to_one) AS longer,
            count(*) FILTER (NOT is_one_to_one AND is_base_greedy)::DOUBLE AS longer_greedy,
            count(*) FILTER (delta_logprob IS NULL) AS ruled_out,
            coalesce(sum(n_bytes) FILTER (delta_logprob IS NOT NULL), 0)::DOUBLE AS bytes,
            coalesce(sum(delta_logprob), 0)::DOUBLE AS delta,
            coalesce(sum(n_bytes) FILTER (is_one_to_one AND delta_logprob IS NOT NULL), 0)::DOUBLE AS one_bytes,
            coalesce(sum(delta_logprob) FILTER (is_one_to_one), 0)::DOUBLE AS one_delta
        FROM token_path
        GROUP BY ALL
    ),
    cover AS (
        SELECT
            comparison_id,
            count(*) AS answers,
            sum(n_tokens)::BIGINT AS tokens,
            sum(base_n_tokens)::BIGINT AS base_tokens,
            sum(n_tokens - compared_tokens)::BIGINT AS tokens_left_out,
            sum(n_bytes)::BIGINT AS text_bytes,
            sum(compared_bytes)::BIGINT AS compared_bytes,
            sum(stretches)::BIGINT AS stretches,
            sum(one_to_one)::BIGINT AS one_to_one,
            sum(one_to_one_bytes)::BIGINT AS one_to_one_bytes
        FROM token_path_cover
        GROUP BY ALL
    ),
    said AS (
        SELECT
            comparison_id,
            count(*) AS prompts,
            sum(ranked)::BIGINT AS ranked,
            clustered_mean(first, ranked) AS unshifted,
            share_bounds(first, ranked) AS unshifted_bounds,
            clustered_mean(near, ranked) AS marginal,
            share_bounds(near, ranked) AS marginal_bounds,
            clustered_mean(far, ranked) AS shifted,
            share_bounds(far, ranked) AS shifted_bounds,
            clustered_mean(greedy, known) AS greedy,
            share_bounds(greedy, known) AS greedy_bounds,
            sum(longer)::BIGINT AS longer,
            clustered_mean(longer_greedy, longer) AS longer_greedy,
            share_bounds(longer_greedy, longer) AS longer_greedy_bounds,
            sum(ruled_out)::BIGINT AS ruled_out,
            signed_nats_interval(delta, bytes) AS per_byte,
            signed_nats_interval(one_delta, one_bytes) AS one_per_byte
        FROM per_prompt
        GROUP BY comparison_id
    )
SELECT c.label, base_condition_id, aligned_condition_id, c.extended AS differ, cover.*, said.* EXCLUDE (comparison_id)
FROM comparison c
JOIN cover USING (comparison_id)
JOIN said USING (comparison_id)
ORDER BY c.ordinal
