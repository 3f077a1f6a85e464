-- What is found of what was planted on purpose, and what is named besides, for each control and kind of item.
SELECT
    comparison_id,
    label,
    i.kind,
    count(*) FILTER (is_planted) AS planted,
    count(*) FILTER (is_planted AND is_found) AS found,
    count(*) FILTER (NOT is_planted) AS others,
    count(*) FILTER (NOT is_planted AND is_found) AS false_alarms,
    coalesce(list(coalesce(text, item) ORDER BY item) FILTER (is_planted AND NOT is_found), []) AS missed,
    coalesce(list(coalesce(text, item) ORDER BY item) FILTER (NOT is_planted AND is_found), []) AS named
FROM control_items() i
JOIN comparison c USING (comparison_id)
LEFT JOIN prompt q ON i.kind = 'value' AND q.prompt_id = item
GROUP BY c.ordinal, comparison_id, label, i.kind
ORDER BY c.ordinal, list_position(['value', 'phrase', 'topic', 'task', 'depth'], i.kind)
