-- Style against content and knowledge: the difference of the shifted shares with its 95 % half width, clustered by
-- prompt. counted: of all their tokens; matched: standardised over the strata of position and token frequency in which
-- five prompts have both. q is the false discovery rate over all comparisons and roles, of either way.
WITH
    placed AS (
        -- One stratum for all where tokens are only counted.
        SELECT
            way,
            * REPLACE (depth * (way = 'matched')::INTEGER AS depth, frequency * (way = 'matched')::INTEGER AS frequency)
        FROM strata()
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
    width AS (
        SELECT way, comparison_id, other, count(*) AS prompts, clustered_margin(e) AS half_width FROM part GROUP BY ALL
    ),
    whole AS (SELECT way, comparison_id, sum(size) AS size FROM stratum GROUP BY ALL),
    tested AS (
        SELECT
            *,
            style_share - other_share AS difference,
            covered / size AS covered_share,
            margin_p(difference, half_width, prompts - 1) AS p
        FROM totals
        JOIN width USING (way, comparison_id, other)
        JOIN whole USING (way, comparison_id)
    )
SELECT label, other, way, style_share, other_share, difference, half_width, covered_share, q
FROM discoveries('tested', way)
JOIN comparison USING (comparison_id)
ORDER BY ordinal, other, way
