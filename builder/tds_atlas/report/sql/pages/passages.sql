-- The passages of each comparison that tuning raised, or changed, more than what they overlap: the first ten by mean Δ
-- log p and by mean JS, each with its text.
WITH
    peaks AS (
        SELECT 'delta' AS measure, *
        FROM passage_peaks(delta_logprob)
        UNION ALL
        SELECT 'js', *
        FROM passage_peaks(js)
    ),
    ranked AS (
        SELECT *, row_number() OVER (PARTITION BY comparison_id, measure ORDER BY peak DESC, response_id, pos) AS place
        FROM peaks
    )
SELECT
    r.measure,
    c.label,
    r.comparison_id,
    place::INTEGER AS place,
    q.ordinal,
    page,
    q.prompt_id,
    r.pos,
    r.last_pos,
    n_tokens,
    r.delta_logprob AS delta_nats,
    r.js AS js_nats,
    substring(a.text, f.char_start + 1, greatest(l.char_end - f.char_start, 0)) AS said
FROM ranked r
JOIN comparison c USING (comparison_id)
JOIN prompt q USING (prompt_id)
JOIN response a USING (response_id)
JOIN response_page USING (response_id)
JOIN "position" f ON f.response_id = r.response_id AND f.pos = r.pos
JOIN "position" l ON l.response_id = r.response_id AND l.pos = r.last_pos
WHERE place <= 10
ORDER BY c.ordinal, measure, place
