-- What each comparison's fingerprint rests on: texts, places, tokens above the yardstick and those that stand out;
-- and the
-- tokens that tuning lowered most often, by how often.
WITH
    counts AS (
        SELECT comparison_id, token_id, count(*) AS n
        FROM (SELECT comparison_id, unnest(down_ids) AS token_id FROM fingerprint)
        GROUP BY ALL
    ),
    lowered AS (
        SELECT comparison_id, list(coalesce(token, concat('#', token_id)) ORDER BY n DESC, token_id) AS lowered
        FROM
            (SELECT * FROM counts QUALIFY row_number() OVER (PARTITION BY comparison_id ORDER BY n DESC, token_id) <= 8)
        JOIN comparison USING (comparison_id)
        JOIN condition ON condition_id = aligned_condition_id
        JOIN model USING (model_id)
        LEFT JOIN (SELECT tokenizer_id, token_id, text AS token FROM token) USING (tokenizer_id, token_id)
        GROUP BY comparison_id
    )
SELECT
    f.comparison_id,
    c.label,
    against.label AS against,
    any_value(k) AS k,
    any_value(texts) AS texts,
    any_value(places)::BIGINT AS places,
    count(*) FILTER (is_above) AS above,
    count(*) FILTER (is_named) AS named,
    min(against_rate) FILTER (f.against_id IS NULL) AS chance,
    any_value(lowered) AS lowered,
    coalesce(bool_or(planted.kind = 'nothing'), false) AS is_nothing
FROM fingerprint_token f
JOIN comparison c ON c.comparison_id = f.comparison_id
JOIN lowered ON lowered.comparison_id = f.comparison_id
LEFT JOIN comparison against ON against.comparison_id = f.against_id
LEFT JOIN (SELECT DISTINCT comparison_id, kind FROM control) planted ON planted.comparison_id = f.comparison_id
GROUP BY f.comparison_id, c.ordinal, c.label, against.label
ORDER BY c.ordinal
