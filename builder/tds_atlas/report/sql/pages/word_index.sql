-- Every word of the answers in each comparison: how often, how often shifted, with the interval clustered by prompt.
WITH
    by_prompt AS (
        SELECT comparison_id, word, cluster_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM word
        WHERE word <> ''
        GROUP BY ALL
    ),
    measured AS (
        SELECT
            comparison_id,
            word,
            sum(n)::INTEGER AS occurrences,
            sum(x)::INTEGER AS shifted,
            count(*)::INTEGER AS prompts,
            clustered_mean(x, n) AS shifted_share,
            share_bounds(x, n) AS bounds
        FROM by_prompt
        GROUP BY ALL
    ),
    instead AS (
        SELECT comparison_id, word, list({'token': base_top, 'n': n} ORDER BY n DESC, base_top)[1:6] AS base_said
        FROM
            (
                SELECT comparison_id, word, base_top, count(*)::INTEGER AS n
                FROM word
                WHERE shift = 'shifted' AND word <> ''
                GROUP BY ALL
            )
        GROUP BY ALL
    )
SELECT
    word,
    comparison_id,
    occurrences,
    shifted,
    prompts,
    shifted_share,
    bounds.low AS low_share,
    bounds.high AS high_share,
    coalesce(base_said, []) AS base_said
FROM measured
LEFT JOIN instead USING (comparison_id, word)
JOIN comparison USING (comparison_id)
ORDER BY word, ordinal
