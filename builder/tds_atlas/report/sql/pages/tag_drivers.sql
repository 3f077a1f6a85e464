-- The three prompts that add most to the share of shifted tokens of each task, topic and file: their shifted tokens
-- over all tokens of the tag.
WITH
    whole AS (
        SELECT
            comparison_id,
            prompt_id,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::BIGINT AS x,
            min(pos) FILTER (shift = 'shifted') AS first_pos
        FROM tds
        GROUP BY ALL
    ),
    tagged AS (
        SELECT DISTINCT prompt_id, 'task' AS kind, tag
        FROM prompt
        CROSS JOIN LATERAL unnest(tasks) AS tags(tag)
        UNION ALL
        SELECT DISTINCT prompt_id, 'topic', tag
        FROM prompt
        CROSS JOIN LATERAL unnest(topics) AS tags(tag)
        UNION ALL
        SELECT prompt_id, 'set', "set"
        FROM prompt
        WHERE (SELECT count(DISTINCT "set") FROM prompt) > 1
    ),
    each AS (
        SELECT
            comparison_id,
            tagged.kind,
            tag,
            q.ordinal,
            q.text,
            x AS shifted,
            n AS positions,
            first_pos,
            sum(x) OVER tags / sum(n) OVER tags AS share,
            count(*) OVER tags AS prompts,
            x / sum(n) OVER tags AS contribution_share,
            row_number() OVER (tags ORDER BY x DESC, n, q.ordinal) AS place
        FROM tagged
        JOIN whole USING (prompt_id)
        JOIN prompt q USING (prompt_id)
        WINDOW tags AS (PARTITION BY comparison_id, tagged.kind, tag)
    )
SELECT
    label,
    each.kind,
    tag,
    comparison_id,
    any_value(share) AS share,
    any_value(prompts) AS prompts,
    list(
        {
            'ordinal': each.ordinal,
            'text': text,
            'shifted': shifted,
            'positions': positions,
            'first_pos': first_pos,
            'contribution_share': contribution_share
        }
        ORDER BY place
    ) AS examples
FROM each
JOIN comparison c USING (comparison_id)
WHERE place <= 3 AND shifted > 0
GROUP BY c.ordinal, label, each.kind, tag, comparison_id
ORDER BY c.ordinal, list_position(['task', 'topic', 'set'], each.kind), any_value(share) DESC, tag
