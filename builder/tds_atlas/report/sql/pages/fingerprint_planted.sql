-- What of it was planted: how many of the planted words have a token that stands out, and how many of the tokens that
-- stand out write a planted word.
WITH
    named AS (SELECT comparison_id, token_id FROM fingerprint_token WHERE is_named),
    items AS (
        SELECT comparison_id, kind, item, bool_or(named.token_id IS NOT NULL) AS is_found
        FROM planted_word
        JOIN (SELECT DISTINCT comparison_id FROM fingerprint_token WHERE against_id IS NOT NULL) USING (comparison_id)
        LEFT JOIN named USING (comparison_id, token_id)
        GROUP BY ALL
    ),
    tokens AS (
        SELECT comparison_id, count(*) AS named, count(*) FILTER (is_planted) AS named_planted
        FROM
            (
                FROM named
                LEFT JOIN
                    (SELECT DISTINCT comparison_id, token_id, true AS is_planted FROM planted_word) USING (
                        comparison_id, token_id
                    )
            )
        GROUP BY comparison_id
    )
SELECT
    label,
    items.kind,
    count(*) AS planted,
    count(*) FILTER (is_found) AS found,
    coalesce(list(item ORDER BY item) FILTER (is_found), []) AS found_items,
    coalesce(list(item ORDER BY item) FILTER (NOT is_found), []) AS missed,
    coalesce(any_value(named), 0) AS named,
    coalesce(any_value(named_planted), 0) AS named_planted
FROM items
JOIN comparison c USING (comparison_id)
LEFT JOIN tokens USING (comparison_id)
GROUP BY ordinal, label, items.kind
ORDER BY ordinal, items.kind
