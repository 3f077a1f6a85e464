-- Whether the answer states a truth of its prompt and no other value, with and without a shifted token outside style,
-- safety and the end; the difference has its false discovery rate over the comparisons.
WITH
    answer AS (
        SELECT
            comparison_id,
            cluster_id,
            (bool_or(role = 'knowledge') AND NOT bool_or(role = 'mistake'))::INTEGER::DOUBLE AS x,
            bool_or(shift = 'shifted' AND role NOT IN ('style', 'safety', 'end')) AS touched
        FROM tds
        JOIN prompt q USING (prompt_id)
        WHERE len(q.truths) > 0
        GROUP BY comparison_id, cluster_id, response_id
    ),
    per_prompt AS (SELECT comparison_id, touched, cluster_id, count(*) AS n, sum(x) AS x FROM answer GROUP BY ALL),
    grouped AS (
        SELECT comparison_id, touched AS is_touched, count(*) AS prompts, share_bounds(x, n) AS bounds
        FROM per_prompt
        GROUP BY comparison_id, touched
    ),
    whole AS (
        SELECT comparison_id, share_bounds(x, n) AS bounds
        FROM (SELECT comparison_id, cluster_id, sum(n) AS n, sum(x) AS x FROM per_prompt GROUP BY ALL)
        GROUP BY comparison_id
    ),
    beside AS (
        SELECT
            comparison_id, least(a.prompts, b.prompts) - 1 AS apart_df, difference_bounds(a.bounds, b.bounds) AS apart
        FROM grouped a
        JOIN grouped b USING (comparison_id)
        WHERE a.is_touched AND NOT b.is_touched
    ),
    tested AS (SELECT *, bounds_p(apart.difference, apart.low, apart.high, apart_df) AS p FROM beside),
    controlled AS (FROM discoveries('tested', true))
SELECT
    label,
    any_value(whole.bounds.mean) AS right_share,
    any_value(whole.bounds) AS bounds,
    count(*) AS answers,
    count(*) FILTER (touched) AS touched,
    count(*) FILTER (x = 0) AS wrong,
    count(*) FILTER (x = 0 AND touched) AS wrong_touched,
    avg(x) FILTER (touched) AS touched_right,
    avg(x) FILTER (NOT touched) AS other_right,
    any_value(apart) AS apart,
    any_value(q) AS apart_q
FROM answer
JOIN comparison USING (comparison_id)
JOIN whole USING (comparison_id)
LEFT JOIN controlled USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
