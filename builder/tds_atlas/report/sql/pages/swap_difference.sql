-- Swapping where the models diverge most against the other methods at the same share of positions actually swapped:
-- differences paired by prompt, Benjamini-Hochberg over all of them. The other method's outcome is interpolated between
-- the shares that it reached; beyond these it is that of the nearest, and swapped_other is another share than swapped.
WITH
    one AS (FROM swap_outcome WHERE x IS NOT NULL AND share > 0 AND share < 1),
    reached AS (
        SELECT comparison_id, outcome, method, share, sum(n_swapped) / sum(n_tokens) AS swapped FROM one GROUP BY ALL
    ),
    sides AS (
        -- The other method's shares below and above that of divergence; the nearest twice where there is only one side.
        SELECT
            d.comparison_id,
            d.outcome,
            o.method,
            d.share AS target,
            d.swapped,
            max({'at': o.swapped, 'share': o.share}) FILTER (o.swapped <= d.swapped) AS below,
            min({'at': o.swapped, 'share': o.share}) FILTER (o.swapped >= d.swapped) AS above,
            coalesce(below, above) AS low,
            coalesce(above, below) AS high
        FROM reached d
        JOIN reached o USING (comparison_id, outcome)
        WHERE d.method = 'divergence' AND o.method <> 'divergence'
        GROUP BY d.comparison_id, d.outcome, o.method, d.share, d.swapped
    ),
    aimed AS (
        SELECT
            * EXCLUDE (below, above),
            least(greatest(swapped, low.at), high.at) AS swapped_other,
            CASE WHEN high.at > low.at THEN (swapped - low.at) / (high.at - low.at) ELSE 0 END AS weight
        FROM sides
    ),
    pair AS (
        SELECT
            a.comparison_id,
            a.outcome,
            a.method,
            target,
            swapped,
            swapped_other,
            weight,
            d.x,
            l.x AS low_x,
            h.x AS high_x,
            d.x - (1 - weight) * l.x - weight * h.x AS step
        FROM aimed a
        JOIN
            one d
            ON d.comparison_id = a.comparison_id
            AND d.outcome = a.outcome
            AND d.method = 'divergence'
            AND d.share = target
        JOIN
            one l
            ON l.comparison_id = a.comparison_id
            AND l.outcome = a.outcome
            AND l.method = a.method
            AND l.share = a.low.share
            AND l.cluster_id = d.cluster_id
        JOIN
            one h
            ON h.comparison_id = a.comparison_id
            AND h.outcome = a.outcome
            AND h.method = a.method
            AND h.share = a.high.share
            AND h.cluster_id = d.cluster_id
    ),
    paired AS (
        SELECT
            comparison_id,
            outcome,
            method,
            target,
            swapped,
            swapped_other,
            count(*) AS prompts,
            avg(step) AS difference,
            clustered_half_width(step, 1) AS half_width,
            -- A yes or no is counted against both neighbours, each with its weight.
            sum(x * ((1 - weight) * (1 - low_x) + weight * (1 - high_x))) AS more,
            sum((1 - x) * ((1 - weight) * low_x + weight * high_x)) AS fewer,
            paired_p(step) AS t_test
        FROM pair
        GROUP BY comparison_id, outcome, method, target, swapped, swapped_other
        HAVING count(*) > 1
    ),
    tested AS (SELECT *, CASE WHEN outcome = 'style' THEN t_test ELSE mcnemar_p(more, fewer) END AS p FROM paired)
SELECT label, outcome, method, target, prompts, difference, half_width, swapped, swapped_other, p, q
FROM discoveries('tested', true)
JOIN comparison USING (comparison_id)
ORDER BY ordinal, list_position(['refusal', 'style', 'agreement', 'right', 'ended'], outcome), method, target
