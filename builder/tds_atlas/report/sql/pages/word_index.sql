-- Every word of the answers in each comparison: how often, how often shifted, with the interval clustered by prompt.
WITH
    by_prompt AS (
        SELECT comparison_id, word, prompt_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
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
            clustered_half_width(x, n) AS half
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
    -- where no prompt differs from another there is no spread, and no interval
    CASE WHEN half > 1e-9 THEN kept_within(shifted_share - half, 0, 1) END AS low_share,
    CASE WHEN half > 1e-9 THEN kept_within(shifted_share + half, 0, 1) END AS high_share,
    coalesce(base_said, []) AS base_said
FROM measured
LEFT JOIN instead USING (comparison_id, word)
JOIN comparison USING (comparison_id)
ORDER BY word, ordinal
