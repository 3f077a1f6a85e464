-- The three prompts that add most to the share of shifted tokens of each task, topic and file: their shifted tokens
-- over all tokens of the tag.
WITH
    each AS (
        SELECT
            comparison_id,
            t.kind,
            tag,
            q.ordinal,
            q.text,
            x::BIGINT AS shifted,
            n AS positions,
            first_pos,
            sum(x) OVER tags / sum(n) OVER tags AS share,
            count(*) OVER tags AS prompts,
            x / sum(n) OVER tags AS contribution_share,
            row_number() OVER (tags ORDER BY x DESC, n, q.ordinal) AS place
        FROM prompt_tag t
        JOIN prompt_shift USING (prompt_id)
        JOIN prompt q USING (prompt_id)
        WINDOW tags AS (PARTITION BY comparison_id, t.kind, tag)
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
