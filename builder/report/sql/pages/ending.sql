-- The end token where the answers end, in each comparison: the change of its log-odds, how often it is each model's first choice there and at earlier sentence ends, and how many probabilities lie beyond the stored lists.
WITH end_token AS (
    SELECT source, mode(token_id) AS end_id FROM response JOIN "position" USING (response_id) WHERE is_end GROUP BY source
), place AS (
    SELECT c.ordinal, c.label, p.prompt_id, p.is_end, p.base_ids[1] = end_id AS base_ends, p.aligned_ids[1] = end_id AS aligned_ends,
           NOT p.is_end AND NOT (list_contains(p.base_ids, end_id) AND list_contains(p.aligned_ids, end_id)) AS censored,
           CASE WHEN p.is_end THEN least(p.base_logprob::DOUBLE, -6e-8) END AS b, CASE WHEN p.is_end THEN least(p.aligned_logprob::DOUBLE, -6e-8) END AS a
    FROM paired p
    JOIN comparison c USING (comparison_id)
    JOIN end_token USING (source)
    JOIN response r ON r.response_id = p.response_id
    WHERE c.kind = 'tuning' AND p.pos > 0 AND (p.is_end OR regexp_matches(substring(r.text, 1, p.char_start), '[.!?\n]$'))
), changed AS (
    SELECT *, CASE WHEN b IS NOT NULL AND p_known THEN (a - ln(1 - exp(a))) - (b - ln(1 - exp(b))) END AS change
    FROM (SELECT *, a IS NOT NULL AS p_known FROM place)
), per_prompt AS (
    SELECT ordinal, label, prompt_id, count(*) FILTER (is_end) AS ends, count(*) FILTER (NOT is_end) AS others, count(*) FILTER (censored) AS censored,
           count(*) FILTER (is_end AND base_ends)::DOUBLE AS base_end, count(*) FILTER (is_end AND aligned_ends)::DOUBLE AS aligned_end,
           count(*) FILTER (NOT is_end AND base_ends)::DOUBLE AS base_other, count(*) FILTER (NOT is_end AND aligned_ends)::DOUBLE AS aligned_other,
           coalesce(sum(change), 0)::DOUBLE AS change, count(change) AS known
    FROM changed GROUP BY ALL
)
SELECT label, sum(ends)::BIGINT AS ends, sum(others)::BIGINT AS others, sum(censored)::BIGINT AS censored,
       CASE WHEN sum(known) > 0 THEN clustered_mean(change, known) END AS change, CASE WHEN sum(known) > 0 THEN clustered_half_width(change, known) END AS change_half,
       CASE WHEN sum(ends) > 0 THEN clustered_mean(base_end, ends) END AS base_end, CASE WHEN sum(ends) > 0 THEN clustered_half_width(base_end, ends) END AS base_end_half,
       CASE WHEN sum(ends) > 0 THEN clustered_mean(aligned_end, ends) END AS aligned_end,
       CASE WHEN sum(others) > 0 THEN clustered_mean(base_other, others) END AS base_other, CASE WHEN sum(others) > 0 THEN clustered_half_width(base_other, others) END AS base_other_half,
       CASE WHEN sum(others) > 0 THEN clustered_mean(aligned_other, others) END AS aligned_other
FROM per_prompt
GROUP BY ordinal, label
ORDER BY ordinal
