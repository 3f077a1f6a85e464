-- Swapping where the models diverge most against the other methods at the same target share: differences paired by
-- prompt, Benjamini-Hochberg over all of them.
WITH
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
        FROM swap_outcome d
        JOIN
            swap_outcome o
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
                WHEN difference = 0 THEN 1 WHEN half_width > 0 THEN normal_p(z95() * difference / half_width) ELSE 1
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
