-- How much of the way from its writer's outcome to the other model's a swap closes, per outcome, writer, method and
-- share;
-- half widths are of the numerator and of the whole gap, paired by prompt. Where all prompts close it, or none does
-- anything, there is no spread: the bound is the exact one for as many prompts as have a gap. A gap is clear, and a
-- mixture
-- worse than both models, by McNemar's exact test (a paired t test of what is no yes or no of one text) at a false
-- discovery
-- rate of 5 %, over the comparisons and over the mixtures; moved_q is that of what a mixture moves, over the mixtures
-- of an
-- outcome.
WITH
    ends AS (
        SELECT
            comparison_id,
            outcome,
            cluster_id,
            bool_and(is_yes_or_no) AS counted,
            any_value(x) FILTER (share = 0) AS base,
            any_value(x) FILTER (share = 1) AS aligned
        FROM swap_outcome
        WHERE x IS NOT NULL
        GROUP BY ALL
    ),
    gaps AS (
        SELECT
            comparison_id,
            outcome,
            CASE
                WHEN bool_and(counted)
                THEN mcnemar_p(sum(greatest(aligned - base, 0)), sum(greatest(base - aligned, 0)))
                ELSE paired_p(aligned - base)
            END AS p
        FROM ends
        WHERE base IS NOT NULL AND aligned IS NOT NULL
        GROUP BY comparison_id, outcome
    ),
    clear AS (SELECT comparison_id, outcome, q <= 0.05 AS gap_clear FROM discoveries('gaps', outcome)),
    reached AS (
        SELECT
            s.*,
            base,
            aligned,
            CASE s.writer WHEN 'base' THEN base ELSE aligned END AS own,
            CASE s.writer WHEN 'base' THEN aligned ELSE base END AS other
        FROM swap_outcome s
        JOIN ends USING (comparison_id, outcome, cluster_id)
        WHERE s.x IS NOT NULL AND base IS NOT NULL AND aligned IS NOT NULL AND mixture IS NOT NULL
    ),
    summed AS (
        SELECT
            c.ordinal,
            c.label,
            outcome,
            writer,
            method,
            share AS target,
            threshold,
            mixture,
            sum(n_swapped) / sum(n_tokens) AS swapped,
            share_bounds(n_swapped, n_tokens) AS swapped_bounds,
            count(*) AS prompts,
            outcome_bounds(base, is_share) AS base_bounds,
            outcome_bounds(aligned, is_share) AS aligned_bounds,
            outcome_bounds(x, is_share) AS reached_bounds,
            avg(aligned - base) AS gap,
            clustered_half_width(aligned - base, 1) AS gap_half,
            avg(other - own) AS way,
            avg(x - own) AS moved,
            clustered_half_width(x - own, 1) AS moved_half,
            paired_p(x - own) AS moved_t_test,
            -- the ratio's half width by linearisation, paired by prompt; its sign is that of the way
            abs(clustered_half_width(x - own, other - own)) AS ratio_half,
            power(0.025, 1 / count(*) FILTER (aligned <> base)) AS surely,
            any_value(gap_clear) AS gap_clear,
            bool_and(is_yes_or_no) AS counted,
            bool_and(is_share) AS is_share,
            sum(greatest(x - own, 0)) AS above_own,
            sum(greatest(own - x, 0)) AS below_own,
            sum(greatest(x - other, 0)) AS above_other,
            sum(greatest(other - x, 0)) AS below_other
        FROM reached
        JOIN clear USING (comparison_id, outcome)
        JOIN comparison c USING (comparison_id)
        GROUP BY c.ordinal, c.label, outcome, writer, method, share, threshold, mixture
    ),
    moving AS (
        SELECT
            ordinal, outcome, mixture, CASE WHEN counted THEN mcnemar_p(above_own, below_own) ELSE moved_t_test END AS p
        FROM summed
    ),
    moves AS (SELECT * EXCLUDE (p, q, tests), q AS moved_q FROM discoveries('moving', outcome)),
    tested AS (
        SELECT
            *,
            -- Worse than both is worse than either: the larger p.
            CASE
                WHEN below_own > above_own AND below_other > above_other
                THEN greatest(mcnemar_p(above_own, below_own), mcnemar_p(above_other, below_other))
                ELSE 1
            END AS p
        FROM summed
    ),
    ratios AS (
        SELECT
            *,
            CASE WHEN gap_clear THEN moved / way END AS closed,
            CASE WHEN gap_clear THEN ratio_half END AS closed_half,
            counted AND outcome IN ('right', 'ended') AND q <= 0.05 AS worse
        FROM discoveries('tested', outcome IN ('right', 'ended'))
    )
SELECT
    label,
    outcome,
    writer,
    method,
    target,
    threshold,
    swapped,
    swapped_bounds,
    prompts,
    base_bounds.mean AS base,
    base_bounds,
    is_share,
    aligned_bounds.mean AS aligned,
    aligned_bounds,
    reached_bounds.mean AS reached,
    reached_bounds,
    gap,
    gap_half,
    gap_clear,
    moved,
    moved_half,
    moved_q,
    closed,
    closed_half,
    CASE
        WHEN closed_half > 1e-9 THEN closed - closed_half WHEN closed > 1 - 1e-9 THEN least(closed, surely) ELSE closed
    END AS closed_low,
    CASE
        WHEN closed_half > 1e-9 THEN closed + closed_half WHEN abs(closed) < 1e-9 THEN 1 - surely ELSE closed
    END AS closed_high,
    worse
FROM ratios
JOIN moves USING (ordinal, outcome, mixture)
ORDER BY
    ordinal,
    list_position(['refusal', 'style', 'agreement', 'right', 'ended'], outcome),
    outcome,
    writer DESC,
    list_position(['divergence', 'delta', 'entropy', 'random'], method),
    swapped
