-- Share of texts that are the aligned model's own, word for word, by the share of positions at which it chose.
WITH
    one AS (
        SELECT
            s.comparison_id,
            s.method,
            s.share,
            s.prompt_id,
            s.n_swapped,
            s.n_tokens,
            (s.text = whole.text)::INTEGER::DOUBLE AS x
        FROM swap s
        JOIN prompt q ON q.prompt_id = s.prompt_id
        LEFT JOIN
            (SELECT comparison_id, prompt_id, any_value(text) AS text FROM swap WHERE share = 1 GROUP BY ALL) whole
            ON whole.comparison_id = s.comparison_id
            AND whole.prompt_id = s.prompt_id
        WHERE whole.text IS NOT NULL
    ),
    BETWEEN AS (
        SELECT
            comparison_id,
            method,
            share AS target_share,
            sum(n_swapped) / sum(n_tokens) AS swapped_share,
            clustered_mean(x, 1) AS outcome_share,
            clustered_half_width(x, 1) AS half,
            count(*) AS prompts
        FROM one
        WHERE share > 0 AND share < 1
        GROUP BY ALL
    ),
    ends AS (
        SELECT
            comparison_id,
            share AS target_share,
            share AS swapped_share,
            clustered_mean(x, 1) AS outcome_share,
            clustered_half_width(x, 1) AS half,
            count(*) AS prompts
        FROM (SELECT DISTINCT comparison_id, share, prompt_id, x FROM one WHERE share IN (0, 1))
        GROUP BY ALL
    ),
    curve AS (
        FROM BETWEEN
        UNION ALL BY NAME
        FROM ends
        CROSS JOIN (SELECT DISTINCT comparison_id AS of_id, method FROM BETWEEN) m
        SELECT ends.*, m.method
        WHERE m.of_id = ends.comparison_id
    )
SELECT
    c.label AS comparison,
    method,
    target_share,
    swapped_share,
    outcome_share,
    kept_within(outcome_share - half, 0, 1) AS low_share,
    kept_within(outcome_share + half, 0, 1) AS high_share,
    prompts
FROM curve
JOIN comparison c USING (comparison_id)
ORDER BY c.ordinal, list_position(['divergence', 'entropy', 'random'], method), target_share
