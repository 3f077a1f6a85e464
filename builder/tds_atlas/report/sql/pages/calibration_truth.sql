-- Whether the answer states a truth of its prompt and no other value, with and without a shifted token outside style,
-- safety and the end.
WITH
    answer AS (
        SELECT
            comparison_id,
            prompt_id,
            (bool_or(role = 'knowledge') AND NOT bool_or(role = 'mistake'))::INTEGER::DOUBLE AS x,
            bool_or(shift = 'shifted' AND role NOT IN ('style', 'safety', 'end')) AS touched
        FROM tds
        JOIN prompt q USING (prompt_id)
        WHERE len(q.truths) > 0
        GROUP BY comparison_id, prompt_id, response_id
    )
SELECT
    label,
    clustered_mean(x, 1) AS right_share,
    share_bounds(x, 1) AS bounds,
    count(*) AS answers,
    count(*) FILTER (touched) AS touched,
    count(*) FILTER (x = 0) AS wrong,
    count(*) FILTER (x = 0 AND touched) AS wrong_touched,
    avg(x) FILTER (touched) AS touched_right,
    avg(x) FILTER (NOT touched) AS other_right,
    touched_right - other_right AS difference,
    t95(least(count(*) FILTER (touched), count(*) FILTER (NOT touched)) - 1) * sqrt(
        var_samp(x) FILTER (touched) / nullif(count(*) FILTER (touched), 0)
        + var_samp(x) FILTER (NOT touched) / nullif(count(*) FILTER (NOT touched), 0)
    ) AS difference_half
FROM answer
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label
ORDER BY ordinal
