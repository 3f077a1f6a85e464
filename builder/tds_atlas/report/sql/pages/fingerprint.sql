-- The tokens of each comparison's fingerprint: those that stand out against the yardstick, or else those above chance;
-- with a word that they write in the aligned model's answers, and the place where each is raised most.
WITH
    shown AS (
        SELECT
            f.*,
            ordinal,
            label,
            (row_number() OVER (PARTITION BY f.comparison_id ORDER BY strength DESC, f.token_id))::INTEGER AS place
        FROM fingerprint_token f
        JOIN comparison USING (comparison_id)
        WHERE is_named OR (against_id IS NULL AND is_above)
        QUALIFY place <= 12
    ),
    sizes AS (SELECT comparison_id, number, count(*)::DOUBLE AS n FROM fingerprint GROUP BY ALL),
    places AS (
        SELECT comparison_id, number, token_id, nats, text_before
        FROM
            (
                SELECT comparison_id, number, text_before, unnest(up_ids) AS token_id, unnest(up_nats) AS nats
                FROM fingerprint
            )
        SEMI JOIN shown USING (comparison_id, token_id)
    ),
    bounds AS (
        SELECT comparison_id, token_id, share_bounds(coalesce(x, 0), n) AS bounds
        FROM shown
        JOIN sizes USING (comparison_id)
        LEFT JOIN
            (SELECT comparison_id, number, token_id, count(*)::DOUBLE AS x FROM places GROUP BY ALL) USING (
                comparison_id, number, token_id
            )
        GROUP BY ALL
    ),
    examples AS (
        SELECT comparison_id, token_id, max(nats) AS nats, arg_max(text_before, (nats, - number)) AS text_before
        FROM places
        GROUP BY ALL
    ),
    words AS (
        SELECT comparison_id, token_id, arg_max(word, (answers, word)) AS word, max(answers) AS answers
        FROM
            (
                SELECT comparison_id, token_id, word, count(DISTINCT response_id) AS answers
                FROM token_word
                SEMI JOIN shown USING (comparison_id, token_id)
                GROUP BY ALL
            )
        GROUP BY ALL
    )
SELECT
    label,
    place,
    coalesce(token, concat('#', token_id)) AS token,
    word,
    answers,
    rate,
    bounds.low,
    bounds.high,
    against_rate,
    excess,
    half_width,
    q,
    mirrored,
    is_named,
    text_before,
    nats
FROM shown
JOIN bounds USING (comparison_id, token_id)
JOIN examples USING (comparison_id, token_id)
LEFT JOIN words USING (comparison_id, token_id)
ORDER BY ordinal, place
