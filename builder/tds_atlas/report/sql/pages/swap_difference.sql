-- Swapping where the models diverge most against the other methods at the same share of positions actually swapped,
-- in the
-- text of the same writer: differences paired by prompt, Benjamini-Hochberg over all of them. The other method's
-- outcome
-- is interpolated between the shares that it reached; beyond these it is that of the nearest, and swapped_other is
-- another
-- share than swapped.
WITH
    one AS (FROM swap_outcome WHERE x IS NOT NULL AND mixture IS NOT NULL),
    reached AS (
        SELECT comparison_id, outcome, writer, method, mixture, sum(n_swapped) / sum(n_tokens) AS swapped
        FROM one
        GROUP BY ALL
    ),
    sides AS (
        -- The other method's shares below and above that of divergence; the nearest twice where there is only one side.
        SELECT
            d.comparison_id,
            d.outcome,
            d.writer,
            o.method,
            d.mixture AS own,
            d.swapped,
            max({'at': o.swapped, 'mixture': o.mixture}) FILTER (o.swapped <= d.swapped) AS below,
            min({'at': o.swapped, 'mixture': o.mixture}) FILTER (o.swapped >= d.swapped) AS above,
            coalesce(below, above) AS low,
            coalesce(above, below) AS high
        FROM reached d
        JOIN reached o USING (comparison_id, outcome, writer)
        WHERE d.method = 'divergence' AND o.method <> 'divergence'
        GROUP BY d.comparison_id, d.outcome, d.writer, o.method, d.mixture, d.swapped
    ),
    aimed AS (
        SELECT
            * EXCLUDE (below, above, low, high),
            least(greatest(swapped, low.at), high.at) AS swapped_other,
            CASE WHEN high.at > low.at THEN (swapped - low.at) / (high.at - low.at) ELSE 0 END AS weight,
            unnest(
                [{'mixture': low.mixture, 'weight': 1 - weight}, {'mixture': high.mixture, 'weight': weight}]
            ) AS side
        FROM sides
    ),
    between_sides AS (
        SELECT
            o.comparison_id,
            o.outcome,
            o.writer,
            o.method,
            own,
            swapped,
            swapped_other,
            cluster_id,
            sum(side.weight * x) AS other_x
        FROM aimed o
        JOIN one ON one.comparison_id = o.comparison_id AND one.outcome = o.outcome AND mixture = side.mixture
        GROUP BY o.comparison_id, o.outcome, o.writer, o.method, own, swapped, swapped_other, cluster_id
        HAVING count(*) = 2
    ),
    paired AS (
        SELECT
            comparison_id,
            outcome,
            o.writer,
            o.method,
            any_value(d.share) AS target,
            swapped,
            swapped_other,
            count(*) AS prompts,
            avg(x - other_x) AS difference,
            clustered_half_width(x - other_x, 1) AS half_width,
            -- A yes or no is counted against both neighbours, each with its weight.
            bool_and(is_yes_or_no) AS counted,
            bool_and(is_share) AS is_share,
            sum(x * (1 - other_x)) AS more,
            sum((1 - x) * other_x) AS fewer,
            paired_p(x - other_x) AS t_test
        FROM between_sides o
        JOIN one d USING (comparison_id, outcome, cluster_id)
        WHERE d.mixture = own
        GROUP BY comparison_id, outcome, o.writer, o.method, own, swapped, swapped_other
        HAVING count(*) > 1
    ),
    tested AS (SELECT *, CASE WHEN counted THEN mcnemar_p(more, fewer) ELSE t_test END AS p FROM paired)
SELECT label, outcome, is_share, writer, method, target, prompts, difference, half_width, swapped, swapped_other, p, q
FROM discoveries('tested', true)
JOIN comparison USING (comparison_id)
ORDER BY
    ordinal,
    writer DESC,
    list_position(['refusal', 'style', 'agreement', 'right', 'ended'], outcome),
    outcome,
    list_position(['delta', 'entropy', 'random'], method),
    swapped
