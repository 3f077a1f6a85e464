-- The positions of some answers in one comparison, with what both models say there, for notebooks. The first and last
-- id reach every table of the view, which a list does not.
SELECT
    t.response_id,
    t.pos,
    t.token_id,
    substring(r.text, p.char_start + 1, p.char_end - p.char_start) AS text,
    t.is_end,
    t.shift,
    t.base_rank,
    t.aligned_rank,
    t.base_logprob,
    t.aligned_logprob,
    coalesce(t.base_top, '<' || t.base_top_id || '>') AS base_top,
    coalesce(t.aligned_top, '<' || t.aligned_top_id || '>') AS aligned_top,
    t.kl_aligned_base,
    t.kl_base_aligned,
    t.js,
    t.js_lower,
    t.js_upper
FROM tds t
JOIN response r ON r.response_id = t.response_id
JOIN "position" p ON p.response_id = t.response_id AND p.pos = t.pos
WHERE
    t.comparison_id = $comparison_id
    AND t.response_id BETWEEN list_min($responses) AND list_max($responses)
    AND list_contains($responses, t.response_id)
ORDER BY t.response_id, t.pos
