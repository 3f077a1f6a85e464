-- How much of the gap between base and aligned model a swap closes, per outcome, method and share; half widths are of
-- the numerator and of the whole gap, paired by prompt. Where all prompts close it, or none does anything, there is no
-- spread: the bound is the exact one for as many prompts as have a gap.
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
    CASE WHEN abs(gap) > gap_half THEN clustered_half_width(s.x - base, aligned - base) END AS closed_half,
    power(0.025, 1 / count(*) FILTER (aligned <> base)) AS surely,
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
    END AS closed_high
FROM swap_outcome s
JOIN ends USING (comparison_id, outcome, cluster_id)
JOIN comparison c ON c.comparison_id = s.comparison_id
WHERE s.x IS NOT NULL AND base IS NOT NULL AND aligned IS NOT NULL AND s.share > 0 AND s.share < 1
GROUP BY c.ordinal, c.label, s.outcome, s.method, s.share
ORDER BY
    c.ordinal,
    list_position(['refusal', 'style', 'agreement', 'right', 'ended'], s.outcome),
    list_position(['divergence', 'entropy', 'random'], s.method),
    s.share
