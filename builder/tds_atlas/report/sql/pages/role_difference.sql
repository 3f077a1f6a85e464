-- Style against content and knowledge: the difference of the shifted shares with its 95 % half width, clustered by
-- prompt. counted: of all their tokens; matched: standardised over the strata of position and token frequency in which
-- five prompts have both.
WITH
    often AS (
        -- An answer given twice to a prompt counts once.
        SELECT comparison_id, token_id, count(*) AS times
        FROM (SELECT DISTINCT comparison_id, cluster_id, pos, token_id FROM said())
        GROUP BY ALL
    ),
    placed AS (
        -- The strata of the figure shift_by_role; one for all where tokens are only counted.
        SELECT
            way,
            comparison_id,
            cluster_id,
            role,
            shift = 'shifted' AS hit,
            CASE WHEN way = 'counted' OR pos < 5 THEN 0 ELSE 1 + floor(log2(pos / 5)) END::INTEGER AS depth,
            CASE WHEN way = 'counted' THEN 0 ELSE floor(log2(times) / 2) END::INTEGER AS frequency
        FROM said()
        JOIN often USING (comparison_id, token_id)
        CROSS JOIN (VALUES ('counted'), ('matched')) AS ways(way)
    ),
    cell AS (
        SELECT way, comparison_id, role, depth, frequency, cluster_id, count(*) AS n, count(*) FILTER (hit)::DOUBLE AS x
        FROM placed
        GROUP BY ALL
    ),
    stratum AS (SELECT way, comparison_id, depth, frequency, count(*) AS size FROM placed GROUP BY ALL),
    rate AS (
        SELECT way, comparison_id, role, depth, frequency, sum(n) AS total, sum(x) / sum(n) AS share
        FROM cell
        GROUP BY ALL
        HAVING count(*) >= 5
    ),
    pair AS (
        SELECT
            way,
            comparison_id,
            o.role AS other,
            depth,
            frequency,
            size,
            s.total,
            s.share,
            o.total AS other_total,
            o.share AS other_share,
            size / sum(size) OVER (PARTITION BY way, comparison_id, o.role) AS weight
        FROM rate s
        JOIN rate o USING (way, comparison_id, depth, frequency)
        JOIN stratum USING (way, comparison_id, depth, frequency)
        WHERE s.role = 'style' AND o.role IN ('content', 'knowledge')
    ),
    totals AS (
        SELECT
            way,
            comparison_id,
            other,
            sum(weight * share) AS style_share,
            sum(weight * other_share) AS other_share,
            sum(size)::BIGINT AS covered
        FROM pair
        GROUP BY ALL
    ),
    part AS (
        SELECT
            way,
            comparison_id,
            other,
            cluster_id,
            sum(
                weight
                * CASE WHEN role = 'style' THEN (x - share * n) / total ELSE (other_share * n - x) / other_total END
            ) AS e
        FROM cell
        JOIN pair USING (way, comparison_id, depth, frequency)
        WHERE role IN ('style', other)
        GROUP BY ALL
    ),
    width AS (SELECT way, comparison_id, other, clustered_margin(e) AS half FROM part GROUP BY ALL)
SELECT
    label,
    other,
    way,
    style_share,
    other_share,
    style_share - other_share AS difference,
    half AS half_width,
    covered / sum(size) AS covered_share
FROM totals
JOIN width USING (way, comparison_id, other)
JOIN comparison c USING (comparison_id)
JOIN stratum USING (way, comparison_id)
GROUP BY ordinal, label, other, way, style_share, other_share, half, covered
ORDER BY ordinal, other, way
