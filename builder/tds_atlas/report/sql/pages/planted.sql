-- What was planted on purpose, a row for each comparison and kind.
SELECT comparison_id, label, p.kind, count(*) AS items, list(planted ORDER BY planted, prompt_id) AS planted
FROM control p
JOIN comparison c USING (comparison_id)
GROUP BY ordinal, comparison_id, label, p.kind
ORDER BY ordinal, p.kind
