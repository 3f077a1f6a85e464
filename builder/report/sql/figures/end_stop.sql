-- Where the base would first have ended the same text, by its first choice at each sentence end: earlier than the answer, at its end, or not by then; share of the answers that end by themselves, with 95 % intervals clustered by prompt.
WITH end_token AS (
    SELECT source, mode(token_id) AS end_id FROM response JOIN "position" USING (response_id) WHERE is_end GROUP BY source
), stops AS (
    SELECT c.ordinal, c.label, p.prompt_id,
           bool_or(NOT p.is_end AND p.base_ids[1] = end_id) AS early,
           bool_or(p.is_end AND p.base_ids[1] = end_id) AS same, bool_or(p.is_end) AS ends
    FROM paired p
    JOIN comparison c USING (comparison_id)
    JOIN end_token USING (source)
    JOIN response r ON r.response_id = p.response_id
    WHERE c.kind = 'tuning' AND p.pos > 0 AND (p.is_end OR regexp_matches(substring(r.text, 1, p.char_start), '[.!?\n]$'))
    GROUP BY ALL
), outcomes AS (
    SELECT ordinal, label, unnest(['earlier', 'at the same place', 'later']) AS outcome,
           unnest([early, same AND NOT early, NOT same AND NOT early])::INTEGER::DOUBLE AS x
    FROM stops WHERE ends
)
SELECT label AS comparison, outcome, clustered_mean(x, 1) AS share,
       kept_within(clustered_mean(x, 1) - clustered_half_width(x, 1), 0, 1) AS low_share,
       kept_within(clustered_mean(x, 1) + clustered_half_width(x, 1), 0, 1) AS high_share, count(*) AS answers
FROM outcomes
GROUP BY ordinal, label, outcome
ORDER BY list_position(['earlier', 'at the same place', 'later'], outcome), ordinal
