-- Where the base would first have ended the same text, by its first choice at each sentence end: earlier than the
-- answer, at its end, or not by then; share of the answers that end on their own, with 95 % intervals clustered by
-- prompt.
WITH
    stops AS (
        SELECT
            comparison_id,
            prompt_id,
            bool_or(NOT is_end AND base_ends) AS early,
            bool_or(is_end AND base_ends) AS same,
            bool_or(is_end) AS ends
        FROM sentence_end
        GROUP BY comparison_id, prompt_id
    ),
    outcomes AS (
        SELECT
            comparison_id,
            cluster_id,
            unnest(['earlier', 'at the same place', 'later']) AS outcome,
            unnest([early, same AND NOT early, NOT same AND NOT early])::INTEGER::DOUBLE AS x
        FROM stops
        JOIN prompt_cluster USING (prompt_id)
        WHERE ends
    ),
    per_prompt AS (SELECT comparison_id, outcome, cluster_id, count(*) AS n, sum(x) AS x FROM outcomes GROUP BY ALL)
SELECT label AS comparison, outcome, unnest(share_interval(x, n)), sum(n)::BIGINT AS answers
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, outcome
ORDER BY list_position(['earlier', 'at the same place', 'later'], outcome), ordinal
