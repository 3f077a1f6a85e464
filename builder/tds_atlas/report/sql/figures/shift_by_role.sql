-- Share of shifted tokens by role, with 95 % intervals clustered by prompt: as counted (hollow), and adjusted (filled),
-- as if each role had the same positions and token frequencies as all tokens.
WITH
    often AS (
        -- An answer given twice to a prompt counts once.
        SELECT comparison_id, token_id, count(*) AS times
        FROM (SELECT DISTINCT comparison_id, cluster_id, pos, token_id FROM said())
        GROUP BY ALL
    ),
    placed AS (
        -- Strata: positions 0-4, 5-9, 10-19, 20-39, …; the token's frequency in the comparison 1-3, 4-15, 16-63, …
        SELECT
            comparison_id,
            cluster_id,
            role,
            shift = 'shifted' AS hit,
            (CASE WHEN pos < 5 THEN 0 ELSE 1 + floor(log2(pos / 5)) END)::INTEGER AS depth,
            floor(log2(times) / 2)::INTEGER AS frequency
        FROM said()
        JOIN often USING (comparison_id, token_id)
    ),
    cell AS (
        SELECT comparison_id, role, depth, frequency, cluster_id, count(*) AS n, count(*) FILTER (hit)::DOUBLE AS x
        FROM placed
        GROUP BY ALL
    ),
    stratum AS (SELECT comparison_id, depth, frequency, count(*) AS size FROM placed GROUP BY ALL),
    rate AS (
        -- A role counts in a stratum where five prompts have it: fewer say nothing about their spread.
        SELECT comparison_id, role, depth, frequency, sum(n) AS total, sum(x) / sum(n) AS share, any_value(size) AS size
        FROM cell
        JOIN stratum USING (comparison_id, depth, frequency)
        GROUP BY comparison_id, role, depth, frequency
        HAVING count(*) >= 5
    ),
    weighted AS (SELECT *, size / sum(size) OVER (PARTITION BY comparison_id, role) AS weight FROM rate),
    standard AS (
        SELECT comparison_id, role, sum(weight * share) AS share, sum(total)::BIGINT AS positions
        FROM weighted
        GROUP BY ALL
    ),
    part AS (
        SELECT comparison_id, role, cluster_id, sum(weight * (x - share * n) / total) AS e
        FROM cell
        JOIN weighted USING (comparison_id, role, depth, frequency)
        GROUP BY ALL
    ),
    width AS (SELECT comparison_id, role, count(*) AS prompts, clustered_margin(e) AS half FROM part GROUP BY ALL),
    per_prompt AS (SELECT comparison_id, role, cluster_id, sum(n) AS n, sum(x) AS x FROM cell GROUP BY ALL),
    kinds AS (
        SELECT
            comparison_id,
            role,
            'as counted' AS counted_as,
            clustered_mean(x, n) AS share,
            share_bounds(x, n) AS bounds,
            sum(n)::BIGINT AS positions,
            count(*) AS prompts
        FROM per_prompt
        GROUP BY comparison_id, role
        UNION ALL
        SELECT
            comparison_id,
            role,
            'adjusted',
            round(share, 9),
            {'low': share_low(share, half, prompts), 'high': share_high(share, half, prompts)},
            positions,
            prompts
        FROM standard
        JOIN width USING (comparison_id, role)
    )
-- Where all or none are shifted, the bound is Wilson's for as many prompts.
SELECT
    label AS comparison,
    role,
    counted_as,
    share,
    round(bounds.low, 9) AS low_share,
    round(bounds.high, 9) AS high_share,
    positions,
    prompts
FROM kinds
JOIN comparison USING (comparison_id)
ORDER BY list_position(['style', 'safety', 'content', 'knowledge', 'glue', 'end'], role), role, ordinal, counted_as DESC
