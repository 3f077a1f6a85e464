-- How much of the gap between base and aligned model a swap closes, per outcome, method and share; half widths are of
-- the numerator and of the whole gap, paired by prompt. Where all prompts close it, or none does anything, there is no
-- spread: the bound is the exact one for as many prompts as have a gap. A gap is clear, and a mixture worse than both
-- models, by McNemar's exact test (style: a paired t test) at a false discovery rate of 5 %, over the comparisons and
-- over the mixtures; moved_q is that of what a mixture moves, over the mixtures of an outcome.
WITH
    ends AS (
        SELECT
            comparison_id,
            outcome,
            cluster_id,
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
                WHEN outcome = 'style'
                THEN paired_p(aligned - base)
                ELSE mcnemar_p(sum(greatest(aligned - base, 0)), sum(greatest(base - aligned, 0)))
            END AS p
        FROM ends
        WHERE base IS NOT NULL AND aligned IS NOT NULL
        GROUP BY comparison_id, outcome
    ),
    clear AS (SELECT comparison_id, outcome, q <= 0.05 AS gap_clear FROM discoveries('gaps', outcome)),
    summed AS (
        SELECT
            c.ordinal,
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
            paired_p(s.x - base) AS moved_t_test,
            -- the ratio's half width by linearisation, paired by prompt
            clustered_half_width(s.x - base, aligned - base) AS ratio_half,
            power(0.025, 1 / count(*) FILTER (aligned <> base)) AS surely,
            any_value(gap_clear) AS gap_clear,
            sum(greatest(s.x - base, 0)) AS above_base,
            sum(greatest(base - s.x, 0)) AS below_base,
            sum(greatest(s.x - aligned, 0)) AS above_aligned,
            sum(greatest(aligned - s.x, 0)) AS below_aligned
        FROM swap_outcome s
        JOIN ends USING (comparison_id, outcome, cluster_id)
        JOIN clear USING (comparison_id, outcome)
        JOIN comparison c USING (comparison_id)
        WHERE s.x IS NOT NULL AND base IS NOT NULL AND aligned IS NOT NULL AND s.share > 0 AND s.share < 1
        GROUP BY c.ordinal, c.label, s.outcome, s.method, s.share
    ),
    moving AS (
        SELECT
            ordinal,
            outcome,
            method,
            target,
            CASE WHEN outcome = 'style' THEN moved_t_test ELSE mcnemar_p(above_base, below_base) END AS p
        FROM summed
    ),
    moves AS (SELECT * EXCLUDE (p, q, tests), q AS moved_q FROM discoveries('moving', outcome)),
    tested AS (
        SELECT
            *,
            -- Worse than both is worse than either: the larger p.
            CASE
                WHEN below_base > above_base AND below_aligned > above_aligned
                THEN greatest(mcnemar_p(above_base, below_base), mcnemar_p(above_aligned, below_aligned))
                ELSE 1
            END AS p
        FROM summed
    ),
    ratios AS (
        SELECT
            *,
            CASE WHEN gap_clear THEN moved / gap END AS closed,
            CASE WHEN gap_clear THEN ratio_half END AS closed_half,
            outcome <> 'style' AND q <= 0.05 AS worse
        FROM discoveries('tested', outcome IN ('right', 'ended'))
    )
SELECT
    label,
    outcome,
    method,
    target,
    swapped,
    prompts,
    base,
    aligned,
    reached,
    gap,
    gap_half,
    gap_clear,
    moved,
    moved_half,
    moved_q,
    closed,
    closed_half,
    CASE
        WHEN closed IS NULL
        THEN NULL
        WHEN closed_half > 1e-9
        THEN closed - closed_half
        WHEN closed > 0.5
        THEN surely
        ELSE 0
    END AS closed_low,
    CASE
        WHEN closed IS NULL
        THEN NULL
        WHEN closed_half > 1e-9
        THEN closed + closed_half
        WHEN closed > 0.5
        THEN 1
        ELSE 1 - surely
    END AS closed_high,
    worse
FROM ratios
JOIN moves USING (ordinal, outcome, method, target)
ORDER BY
    ordinal,
    list_position(['refusal', 'style', 'agreement', 'right', 'ended'], outcome),
    list_position(['divergence', 'entropy', 'random', 'reverse'], method),
    target
