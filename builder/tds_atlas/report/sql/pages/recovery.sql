-- Recovery of each comparison: how many prompts are refused before any prefill, after the first and after the last k;
-- how often it turns back over all k above 0, with the tokens as its answer and inside its refusal; and the base. Both
-- differences, paired by prompt, have their false discovery rate over the comparisons. And how deep refusals were
-- planted.
WITH
    ends AS (FROM refusal_depth()),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            avg(refusing_again) FILTER (place = 'answer' AND k > 0) AS back,
            avg(refusing_again) FILTER (place = 'refusal' AND k > 0) AS inside,
            any_value(refusing_again) FILTER (place = 'refusal' AND k = 0) AS going_on,
            avg(refusing) FILTER (place = 'base') AS base
        FROM recovery_outcome
        GROUP BY comparison_id, cluster_id
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
    controlled AS (SELECT comparison_id, q AS gain_q FROM discoveries('gains', true)),
    written AS (
        SELECT comparison_id, count(*) FILTER (place = 'base') AS base_texts, count(DISTINCT answer_id) AS answers
        FROM recovery
        GROUP BY comparison_id
    )
SELECT
    label,
    ends.* EXCLUDE (comparison_id),
    bases.* EXCLUDE (comparison_id),
    gains.* EXCLUDE (comparison_id, p),
    gain_q,
    base_texts,
    answers,
    planted,
    depth IS NOT DISTINCT FROM planted AS is_as_planted
FROM bases
JOIN ends USING (comparison_id)
JOIN written USING (comparison_id)
JOIN comparison USING (comparison_id)
LEFT JOIN gains USING (comparison_id)
LEFT JOIN controlled USING (comparison_id)
LEFT JOIN (SELECT comparison_id, planted FROM control WHERE kind = 'depth') USING (comparison_id)
ORDER BY ordinal
