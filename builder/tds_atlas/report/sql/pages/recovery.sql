-- Recovery of each comparison: how many prompts are refused before any prefill, after the first and after the last k;
-- how often it turns back over all k above 0, with the tokens as its answer and inside its refusal; and the base. Both
-- differences, paired by prompt, have their false discovery rate over the comparisons.
WITH
    by_k AS (
        SELECT comparison_id, k, count(*) AS prompts, share_bounds(refusing, 1) AS bounds
        FROM recovery_outcome
        WHERE place = 'answer'
        GROUP BY comparison_id, k
    ),
    ends AS (
        SELECT
            comparison_id,
            arg_min(bounds, k) AS first,
            min(k) FILTER (k > 0) AS next_k,
            arg_min(bounds, k) FILTER (k > 0) AS next,
            max(k) AS last_k,
            arg_max(bounds, k) AS last,
            arg_max(prompts, k) AS last_prompts
        FROM by_k
        GROUP BY comparison_id
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            any_value(refusing) FILTER (place = 'answer' AND k = 0) AS first,
            any_value(refusing) FILTER (place = 'answer' AND k = last_k) AS last,
            avg(refusing_again) FILTER (place = 'answer' AND k > 0) AS back,
            avg(refusing_again) FILTER (place = 'refusal' AND k > 0) AS inside,
            any_value(refusing_again) FILTER (place = 'refusal' AND k = 0) AS going_on,
            avg(refusing) FILTER (place = 'base') AS base
        FROM recovery_outcome
        JOIN ends USING (comparison_id)
        GROUP BY comparison_id, cluster_id
    ),
    falls AS (
        SELECT
            comparison_id,
            avg(first - last) AS fall,
            clustered_half_width(first - last, 1) AS fall_half,
            mcnemar_p(sum(greatest(first - last, 0)), sum(greatest(last - first, 0))) AS p
        FROM per_prompt
        WHERE last IS NOT NULL
        GROUP BY comparison_id
    ),
    gains AS (
        SELECT
            comparison_id,
            count(*) AS refused_prompts,
            share_bounds(back, 1) AS back,
            share_bounds(inside, 1) AS inside,
            share_bounds(going_on, 1) AS going_on,
            avg(inside - back) AS gain,
            clustered_half_width(inside - back, 1) AS gain_half,
            paired_p(inside - back) AS p
        FROM per_prompt
        WHERE inside IS NOT NULL AND back IS NOT NULL
        GROUP BY comparison_id
    ),
    bases AS (
        SELECT comparison_id, count(*) AS prompts, share_bounds(base, 1) AS base FROM per_prompt GROUP BY comparison_id
    ),
    tested AS (
        SELECT comparison_id, 'fall' AS what, p
        FROM falls
        UNION ALL
        SELECT comparison_id, 'gain', p
        FROM gains
    ),
    controlled AS (
        SELECT
            comparison_id, any_value(q) FILTER (what = 'fall') AS fall_q, any_value(q) FILTER (what = 'gain') AS gain_q
        FROM discoveries('tested', what)
        GROUP BY comparison_id
    ),
    written AS (
        SELECT comparison_id, count(*) FILTER (place = 'base') AS base_texts, count(DISTINCT answer_id) AS answers
        FROM recovery
        GROUP BY comparison_id
    )
SELECT
    label,
    ends.* EXCLUDE (comparison_id),
    bases.* EXCLUDE (comparison_id),
    falls.* EXCLUDE (comparison_id, p),
    gains.* EXCLUDE (comparison_id, p),
    fall_q,
    gain_q,
    base_texts,
    answers
FROM bases
JOIN ends USING (comparison_id)
JOIN written USING (comparison_id)
JOIN comparison USING (comparison_id)
LEFT JOIN falls USING (comparison_id)
LEFT JOIN gains USING (comparison_id)
LEFT JOIN controlled USING (comparison_id)
ORDER BY ordinal
