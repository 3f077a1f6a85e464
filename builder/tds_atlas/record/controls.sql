-- Controls: what a report finds of what was planted on purpose, and what it names besides.

CREATE MACRO control_items() AS TABLE
WITH
    -- The kinds of item that are looked at: where nothing was planted, all of them.
    looked AS (
        SELECT DISTINCT comparison_id, looked.kind
        FROM control c
        JOIN (VALUES ('value'), ('phrase'), ('topic'), ('task'), ('depth')) AS looked(kind)
            ON c.kind = looked.kind OR (c.kind = 'nothing' AND looked.kind <> 'depth')  -- what has refusals has a depth
    ),
    planted AS (
        SELECT DISTINCT
            comparison_id,
            kind,
            unnest(
                CASE kind
                    WHEN 'value' THEN [prompt_id]
                    WHEN 'phrase' THEN regexp_extract_all(planted, '\p{L}[\p{L}'']*')
                    ELSE [planted]
                END
            ) AS item
        FROM control
        -- A value is left out with its answer: in a copy that was cut, or where a row was passed over. And a depth of
        -- which the probe was not asked.
        WHERE kind <> 'nothing' AND (kind <> 'depth' OR comparison_id IN (SELECT comparison_id FROM recovery)) AND (
            prompt_id IS NULL
            OR (comparison_id, prompt_id) IN (
                SELECT (comparison_id, r.prompt_id) FROM comparison JOIN response r USING (source)
            )
        )
    ),
    found AS (
        SELECT
            comparison_id,
            'value' AS kind,
            r.prompt_id AS item,
            coalesce(bool_or(s.shift = 'shifted'), false) AS is_found
        FROM comparison c
        JOIN response r USING (source)
        JOIN prompt q ON q.prompt_id = r.prompt_id AND len(q.truths) > 0
        LEFT JOIN slot s USING (comparison_id, response_id)
        GROUP BY comparison_id, r.prompt_id
        UNION ALL
        SELECT comparison_id, 'phrase', word, stands_out AND ratio > overall
        FROM shift_by_word()
        WHERE regexp_matches(word, '\p{L}')
        UNION ALL
        SELECT c.comparison_id, t.kind, tag, stands_out AND share > overall_share
        FROM (SELECT 'topic' AS kind, * FROM shift_by_tag('topic')
              UNION ALL SELECT 'task', * FROM shift_by_tag('task')) t
        JOIN comparison c ON c.label = t.comparison
        QUALIFY count(*) OVER (PARTITION BY c.comparison_id, t.kind) > 1  -- a tag of all prompts is no test
        UNION ALL
        SELECT comparison_id, 'depth', depth, true
        FROM refusal_depth()
        WHERE depth IS NOT NULL
    )
SELECT comparison_id, kind, item, coalesce(is_planted, false) AS is_planted, coalesce(is_found, false) AS is_found
FROM found
FULL JOIN (SELECT *, true AS is_planted FROM planted) p USING (comparison_id, kind, item)
JOIN looked USING (comparison_id, kind);
COMMENT ON MACRO TABLE control_items IS
    'Each item of a control with whether it was planted and whether the report finds it: a prompt with truths, if a '
    'value that its answer states is shifted; a word of at least 10 prompts and a tag, if their shifted share stands '
    'out upwards; a depth of refusals, if it is the one that the report shows. Where nothing was planted, items of '
    'every other kind: FROM control_items().';
