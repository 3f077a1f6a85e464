-- Answers to read beside one another: of each comparison three prompts, first those at which what was planted shows
-- at the
-- smallest α but not at 0, then those whose answers part soonest from the one at α = 0.
WITH
    planted AS (
        SELECT comparison_id, prompt_id, sample, min(alpha) AS shows_from
        FROM amplified_planted
        WHERE is_own AND shows AND alpha >= 0
        GROUP BY ALL
    ),
    whole AS (SELECT comparison_id, prompt_id, n_tokens AS n FROM amplified WHERE alpha = 0 AND sample = 1),
    parted AS (
        SELECT comparison_id, prompt_id, min({'alpha': alpha, 'n_same': n_same}) AS parts
        FROM amplified
        JOIN whole USING (comparison_id, prompt_id)
        WHERE alpha > 0 AND sample = 1 AND n_same < greatest(n_tokens, n)
        GROUP BY ALL
    ),
    chosen AS (
        SELECT comparison_id, prompt_id, shows_from
        FROM parted
        LEFT JOIN (SELECT * FROM planted WHERE sample = 1) p USING (comparison_id, prompt_id)
        JOIN prompt USING (prompt_id)
        QUALIFY
            row_number() OVER (
                PARTITION BY comparison_id ORDER BY shows_from IS NULL OR shows_from = 0, shows_from, parts, ordinal
            )
            <= 3
    )
SELECT
    label,
    comparison_id,
    prompt_id,
    q.ordinal,
    page,
    q.text AS prompt,
    alpha,
    shows_from IS NOT NULL AND shows_from > 0 AND alpha = shows_from AS shows_first,
    goes_round,
    finish,
    a.text
FROM chosen
JOIN amplified a USING (comparison_id, prompt_id)
JOIN prompt q USING (prompt_id)
JOIN comparison c USING (comparison_id)
LEFT JOIN
    (
        SELECT source, prompt_id, any_value(page) AS page
        FROM response
        JOIN response_page USING (response_id)
        WHERE number = 1
        GROUP BY ALL
    ) USING (source, prompt_id)
WHERE sample = 1
ORDER BY c.ordinal, shows_from IS NULL OR shows_from = 0, shows_from, q.ordinal, alpha
