-- Curves that several figures draw, with 95 % intervals clustered by prompt.

-- Early in an answer is early in what it says, not in the thinking before it.
CREATE MACRO part_asked(part) AS coalesce(part, getvariable('part'), 'answer');
COMMENT ON MACRO part_asked IS
    'The part of the answers that a query is of: the one given; else that of SET VARIABLE part = ''thinking'', which '
    'the figures by position and by role follow; else the answer itself.';

CREATE MACRO said(part := NULL) AS TABLE
SELECT * REPLACE (segment_pos AS pos) FROM tds WHERE segment = part_asked(part);
COMMENT ON MACRO TABLE said IS
    'The rows of tds that are one part of the answers (answer, thinking or tool call), with positions counted from '
    'where that part begins: FROM said(), FROM said(part := ''thinking'').';

CREATE MACRO places(part := NULL) AS TABLE
SELECT response_id, pos, pos - segment_start AS segment_pos FROM "position" WHERE segment = part_asked(part);
COMMENT ON MACRO TABLE places IS
    'The positions of one part of the answers, with their places within it, for views without these: JOIN places() '
    'USING (response_id, pos).';

CREATE MACRO strata() AS TABLE
WITH
    often AS (
        -- An answer given twice to a prompt counts once.
        SELECT comparison_id, token_id, count(*) AS times
        FROM (SELECT DISTINCT comparison_id, cluster_id, pos, token_id FROM said())
        GROUP BY ALL
    )
SELECT
    comparison_id,
    cluster_id,
    role,
    shift = 'shifted' AS hit,
    (CASE WHEN pos < 5 THEN 0 ELSE 1 + floor(log2(pos / 5)) END)::INTEGER AS depth,
    floor(log2(times) / 2)::INTEGER AS frequency
FROM said()
JOIN often USING (comparison_id, token_id);
COMMENT ON MACRO TABLE strata IS
    'Rows of said() in strata, for shares of roles as if each had the same positions and token frequencies: depth 0 '
    'for positions 0-4, then 5-9, 10-19, 20-39, …; frequency of the token in the comparison 0 for 1-3, then 4-15, '
    '16-63, …: FROM strata().';

-- The arguments are expressions over the columns of tds (of primed_pair and prompt for gap_closed).
CREATE MACRO by_position(curves, shares := false, part := NULL, source := 'tds') AS TABLE
WITH
    long AS (
        SELECT comparison_id, cluster_id, segment_pos AS pos, unnest(map_entries(curves), recursive := true)
        FROM query_table(source)
        WHERE segment = part_asked(part) AND drawn_position(segment_pos)
    ),
    per_prompt AS (
        SELECT comparison_id, pos, key, cluster_id, count(*) AS n, sum(value)::DOUBLE AS x
        FROM long
        WHERE value IS NOT NULL
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    key AS line,
    pos AS position,
    unnest(curve_bounds(x, n, shares)),
    sum(n)::BIGINT AS responses
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, key, pos
HAVING count(*) >= 20
ORDER BY ordinal, key, pos;
COMMENT ON MACRO TABLE by_position IS
    'Means at each position of a part of the answer (part: answer, thinking or tool call) that drawn_position draws '
    'and the answers to at least 20 prompts reach, with 95 % intervals; a line for each expression over tds, or over '
    'another view with its keys (source := ''support_said''), none of which is negative; shares: whether they are from '
    '0 to 1: FROM by_position(MAP {''base'': base_entropy}).';

CREATE MACRO by_confidence(hit) AS TABLE
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            -- Tenths, and the last hundredth.
            CASE
                WHEN base_top_probability >= 0.99 THEN 99 ELSE 10 * least(floor(base_top_probability * 10)::INTEGER, 9)
            END AS bin,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (hit)::DOUBLE AS x
        FROM tds
        GROUP BY ALL
    )
SELECT label AS comparison, bin AS at_least_percent, unnest(share_interval(x, n)), sum(n)::BIGINT AS positions
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, bin
HAVING sum(n) >= 30
ORDER BY ordinal, bin;
COMMENT ON MACRO TABLE by_confidence IS
    'Share of positions for which an expression over tds holds, by the probability of the base''s first choice, with '
    'its 95 % interval; bins with at least 30 positions: FROM by_confidence(shift = ''shifted'').';

CREATE MACRO gap_closed(names, part := NULL) AS TABLE
WITH
    per_prompt AS (
        SELECT comparison_id, context_id, name, cluster_id, sum(own_kl) AS n, sum(own_kl - given_kl) AS x
        FROM primed_pair
        JOIN primed_best USING (comparison_id, context_id)
        JOIN prompt USING (prompt_id)
        JOIN prompt_cluster USING (prompt_id)
        JOIN (SELECT response_id, pos, segment FROM "position") USING (response_id, pos)
        CROSS JOIN LATERAL unnest(names) AS each(name)
        WHERE part IS NULL OR segment = part
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    ordinal,
    name,
    context_id AS context,
    unnest(ratio_interval(x, n, decimals := 9)),
    round(sum(n), 6) AS own_nats
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, name, context_id
HAVING sum(n) > 0 AND count(*) >= 5;
COMMENT ON MACRO TABLE gap_closed IS
    'Share of the gap that the best other context closes, by each name in a list made of columns of primed_pair and '
    'prompt, with its 95 % interval, over all of the answers or one part of them; names in at least 5 prompts: '
    'FROM gap_closed([role], part := ''answer''), FROM gap_closed(topics).';
