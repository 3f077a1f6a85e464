-- How much of what separates base and aligned model a swap closes, per outcome, method and share; half widths are of
-- the numerator and of the whole gap, paired by prompt.
WITH
    one AS (
        SELECT
            s.comparison_id,
            s.method,
            s.share,
            s.prompt_id,
            s.n_swapped,
            s.n_tokens,
            unnest(['right', 'refusal', 'style', 'ended', 'agreement']) AS outcome,
            unnest(
                [
                    is_right::INTEGER::DOUBLE,
                    CASE WHEN harmful THEN refuses::INTEGER::DOUBLE END,
                    style_share,
                    (finish = 'stop')::INTEGER::DOUBLE,
                    (s.text = whole.text)::INTEGER::DOUBLE
                ]
            ) AS x
        FROM swap s
        JOIN prompt q ON q.prompt_id = s.prompt_id
        LEFT JOIN
            (SELECT comparison_id, prompt_id, any_value(text) AS text FROM swap WHERE share = 1 GROUP BY ALL) whole
            ON whole.comparison_id = s.comparison_id
            AND whole.prompt_id = s.prompt_id
    ),
    ends AS (
        SELECT
            comparison_id,
            outcome,
            prompt_id,
            any_value(x) FILTER (share = 0) AS base,
            any_value(x) FILTER (share = 1) AS aligned
        FROM one
        WHERE x IS NOT NULL
        GROUP BY ALL
    )
SELECT
    c.label,
    s.outcome,
    s.method,
    s.share AS target,
    sum(s.n_swapped) / sum(s.n_tokens) AS swapped,
    count(*) AS prompts,
    avg(base) AS base,
    avg(aligned) AS aligned,
    avg(s.x) AS reached,
    avg(aligned - base) AS gap,
    clustered_half_width(aligned - base, 1) AS gap_half,
    avg(s.x - base) AS moved,
    clustered_half_width(s.x - base, 1) AS moved_half,
    CASE WHEN abs(gap) > gap_half THEN moved / gap END AS closed,
    -- the ratio's half width by linearisation, paired by prompt
    CASE WHEN abs(gap) > gap_half THEN clustered_half_width(s.x - base, aligned - base) END AS closed_half
FROM one s
JOIN ends USING (comparison_id, outcome, prompt_id)
JOIN comparison c ON c.comparison_id = s.comparison_id
WHERE s.x IS NOT NULL AND base IS NOT NULL AND aligned IS NOT NULL AND s.share > 0 AND s.share < 1
GROUP BY c.ordinal, c.label, s.outcome, s.method, s.share
ORDER BY
    c.ordinal,
    list_position(['refusal', 'style', 'agreement', 'right', 'ended'], s.outcome),
    list_position(['divergence', 'entropy', 'random'], s.method),
    s.share
