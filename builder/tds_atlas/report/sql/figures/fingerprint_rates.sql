-- Tokens raised among the report's K most at a place: the share of places, with its 95 % interval clustered by text,
-- of the
-- eight tokens of each comparison that are furthest above the yardstick (tick: its own share). Filled: stands out.
WITH
    shown AS (
        SELECT *, (row_number() OVER (PARTITION BY comparison_id ORDER BY strength DESC, token_id))::INTEGER AS place
        FROM fingerprint_token
        WHERE excess > 0
        QUALIFY place <= 8
    ),
    sizes AS (SELECT comparison_id, number, count(*)::DOUBLE AS n FROM fingerprint GROUP BY ALL),
    counts AS (
        SELECT comparison_id, number, token_id, count(*)::DOUBLE AS x
        FROM (SELECT comparison_id, number, unnest(up_ids) AS token_id FROM fingerprint)
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    place,
    coalesce(token, concat('#', token_id)) AS token,
    bounds.mean AS share,
    bounds.low AS low_share,
    bounds.high AS high_share,
    against_rate AS against_share,
    is_named AS stands_out
FROM
    (
        SELECT comparison_id, place, token_id, token, against_rate, is_named, share_bounds(coalesce(x, 0), n) AS bounds
        FROM shown
        JOIN sizes USING (comparison_id)
        LEFT JOIN counts USING (comparison_id, number, token_id)
        GROUP BY ALL
    )
JOIN comparison USING (comparison_id)
ORDER BY ordinal, place
