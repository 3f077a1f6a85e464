-- The tokens of one example that shows all three classes: harmless, ended on its own, short enough to read at a glance,
-- and nearest to the median share of shifted tokens among such examples.
WITH
    fit AS (
        SELECT e.*, q.ordinal, page, q.text AS prompt, r.text AS answer
        FROM example e
        JOIN comparison c USING (comparison_id)
        JOIN prompt q USING (prompt_id)
        JOIN response r USING (response_id)
        JOIN response_page USING (response_id)
        WHERE
            c.ordinal = 1
            AND NOT coalesce(q.harmful, false)
            AND r.finish = 'stop'
            AND e.n_tokens BETWEEN 12 AND 90
            AND unshifted_share > 0.5
            AND shifted_share > 0
    ),
    chosen AS (
        SELECT *
        FROM fit
        ORDER BY
            marginal_share = 0,
            abs(shifted_share - (SELECT median(shifted_share) FROM fit)),
            abs(n_tokens - 30),
            ordinal,
            page
        LIMIT 1
    )
SELECT
    chosen.comparison_id,
    chosen.ordinal,
    chosen.page,
    chosen.prompt,
    t.pos,
    t.is_end,
    t.shift,
    t.base_rank,
    t.base_top,
    substring(chosen.answer, p.char_start + 1, p.char_end - p.char_start) AS piece
FROM chosen
JOIN tds t USING (comparison_id, response_id)
JOIN "position" p ON p.response_id = t.response_id AND p.pos = t.pos
ORDER BY t.pos
