-- The end token where the answers end, in each comparison: the change of its log-odds, with its false discovery rate
-- over the comparisons, how often it is each model's
-- first choice there and at earlier sentence ends, and how many end tokens are not in the stored lists.
WITH
    place AS (
        SELECT
            comparison_id,
            cluster_id,
            is_end,
            base_ends,
            aligned_ends,
            base_censored OR aligned_censored AS censored,
            CASE WHEN is_end THEN kept_within(base_logprob::DOUBLE, '-Infinity'::DOUBLE, -6e-8) END AS b,
            CASE WHEN is_end THEN kept_within(aligned_logprob::DOUBLE, '-Infinity'::DOUBLE, -6e-8) END AS a
        FROM sentence_end
        JOIN prompt_cluster USING (prompt_id)
    ),
    changed AS (
        SELECT *, CASE WHEN b IS NOT NULL AND p_known THEN (a - ln(1 - exp(a))) - (b - ln(1 - exp(b))) END AS change
        FROM (SELECT *, a IS NOT NULL AS p_known FROM place)
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (is_end) AS ends,
            count(*) FILTER (NOT is_end) AS others,
            count(*) FILTER (censored) AS censored,
            count(*) FILTER (is_end AND base_ends)::DOUBLE AS base_end,
            count(*) FILTER (is_end AND aligned_ends)::DOUBLE AS aligned_end,
            count(*) FILTER (NOT is_end AND base_ends)::DOUBLE AS base_other,
            count(*) FILTER (NOT is_end AND aligned_ends)::DOUBLE AS aligned_other,
            coalesce(sum(change), 0)::DOUBLE AS change,
            count(change) AS known
        FROM changed
        GROUP BY ALL
    ),
    found AS (
        SELECT
            ordinal,
            label,
            count(*) AS prompts,
            sum(ends)::BIGINT AS ends,
            sum(others)::BIGINT AS others,
            sum(censored)::BIGINT AS censored,
            CASE WHEN sum(known) > 0 THEN clustered_mean(change, known) END AS change,
            CASE WHEN sum(known) > 0 THEN clustered_half_width(change, known) END AS change_half,
            CASE WHEN sum(ends) > 0 THEN clustered_mean(base_end, ends) END AS base_end,
            CASE WHEN sum(ends) > 0 THEN share_bounds(base_end, ends) END AS base_end_bounds,
            CASE WHEN sum(ends) > 0 THEN clustered_mean(aligned_end, ends) END AS aligned_end,
            CASE WHEN sum(others) > 0 THEN clustered_mean(base_other, others) END AS base_other,
            CASE WHEN sum(others) > 0 THEN share_bounds(base_other, others) END AS base_other_bounds,
            CASE WHEN sum(others) > 0 THEN clustered_mean(aligned_other, others) END AS aligned_other
        FROM per_prompt
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label
    ),
    tested AS (SELECT *, margin_p(change, change_half, prompts - 1) AS p FROM found)
SELECT * EXCLUDE (ordinal, prompts, tests)
FROM discoveries('tested', true)
ORDER BY ordinal
