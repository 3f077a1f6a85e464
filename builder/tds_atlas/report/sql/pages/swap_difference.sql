-- Swapping where the models diverge most against the other methods at the same target share: differences paired by
-- prompt, Benjamini-Hochberg over all of them.
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
    pair AS (
        SELECT
            c.ordinal,
            c.label,
            d.outcome,
            o.method,
            d.share AS target,
            count(*) AS prompts,
            avg(d.x - o.x) AS difference,
            clustered_half_width(d.x - o.x, 1) AS half_width,
            sum(d.n_swapped) / sum(d.n_tokens) AS swapped,
            sum(o.n_swapped) / sum(o.n_tokens) AS swapped_other
        FROM one d
        JOIN
            one o
            ON o.comparison_id = d.comparison_id
            AND o.prompt_id = d.prompt_id
            AND o.outcome = d.outcome
            AND o.share = d.share
        JOIN comparison c ON c.comparison_id = d.comparison_id
        WHERE
            d.method = 'divergence'
            AND o.method <> 'divergence'
            AND d.share > 0
            AND d.share < 1
            AND d.x IS NOT NULL
            AND o.x IS NOT NULL
        GROUP BY ALL
    ),
    tested AS (
        SELECT
            *,
            CASE
                WHEN difference = 0 THEN 1 WHEN half_width > 0 THEN normal_p(1.959964 * difference / half_width) ELSE 1
            END AS p
        FROM pair
        WHERE half_width IS NOT NULL
    ),
    ranked AS (SELECT *, count(*) OVER () AS tests, row_number() OVER (ORDER BY p) AS place FROM tested)
SELECT
    label,
    outcome,
    method,
    target,
    prompts,
    difference,
    half_width,
    swapped,
    swapped_other,
    p,
    least(1, min(p * tests / place) OVER (ORDER BY place DESC)) AS q
FROM ranked
ORDER BY ordinal, list_position(['refusal', 'style', 'agreement', 'right', 'ended'], outcome), method, target
