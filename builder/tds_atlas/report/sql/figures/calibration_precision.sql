-- Precision and recall of "shifted" as a detector of "planted", by token and by phrase, with 95 % intervals clustered
-- by prompt; q is the false discovery rate of a share against a half, over the comparisons.
WITH
    sentence AS (
        SELECT
            *,
            count(*) FILTER (ends) OVER (
                PARTITION BY comparison_id, response_id ORDER BY pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS i
        FROM (SELECT *, coalesce(regexp_matches(token, '[.!?:]\s*$|\n'), false) AS ends FROM tds)
        WHERE EXISTS (FROM "position" WHERE role = 'knowledge')
    ),
    wanted AS (FROM (VALUES ('style', ['style']), ('style or safety', ['style', 'safety'])) AS w(meaning, roles)),
    unit AS (
        SELECT
            comparison_id,
            cluster_id,
            meaning,
            'token' AS unit,
            shift = 'shifted' AS shifted,
            role IN roles AS planted,
            shifted AND planted AS found
        FROM sentence
        CROSS JOIN wanted
        UNION ALL
        SELECT
            comparison_id,
            cluster_id,
            meaning,
            'phrase',
            bool_or(shift = 'shifted'),
            bool_or(role IN roles),
            bool_or(shift = 'shifted' AND role IN roles)
        FROM sentence
        CROSS JOIN wanted
        WHERE NOT is_end
        GROUP BY comparison_id, cluster_id, response_id, i, meaning
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            meaning,
            unit,
            'precision' AS measure,
            count(*) FILTER (found)::DOUBLE AS x,
            count(*) FILTER (shifted) AS n
        FROM unit
        GROUP BY ALL
        UNION ALL
        SELECT
            comparison_id,
            cluster_id,
            meaning,
            unit,
            'recall',
            count(*) FILTER (found)::DOUBLE,
            count(*) FILTER (planted)
        FROM unit
        GROUP BY ALL
    ),
    read AS (
        SELECT
            ordinal,
            label AS comparison,
            measure || ', ' || meaning || ', by ' || unit AS reading,
            measure,
            meaning,
            unit,
            unnest(share_interval(x, n)),
            sum(x)::BIGINT AS found,
            sum(n)::BIGINT AS units,
            count(*) AS prompts
        FROM per_prompt
        JOIN comparison USING (comparison_id)
        WHERE n > 0
        GROUP BY ordinal, label, measure, meaning, unit
    ),
    tested AS (SELECT *, bounds_p(share - 0.5, low_share - 0.5, high_share - 0.5, prompts - 1) AS p FROM read)
SELECT comparison, reading, measure, meaning, unit, share, low_share, high_share, found, units, prompts, q
FROM discoveries('tested', reading)
ORDER BY measure, unit DESC, meaning, ordinal
