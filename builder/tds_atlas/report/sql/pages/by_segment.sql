-- Shifted tokens of each part of the answers, and of each part's first five tokens and its later ones.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            segment,
            cluster_id,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            count(*) FILTER (segment_pos < 5) AS en,
            count(*) FILTER (segment_pos < 5 AND shift = 'shifted')::DOUBLE AS ex,
            count(*) FILTER (segment_pos >= 5) AS ln,
            count(*) FILTER (segment_pos >= 5 AND shift = 'shifted')::DOUBLE AS lx
        FROM tds
        GROUP BY ALL
    )
SELECT
    label,
    segment,
    sum(n)::BIGINT AS positions,
    share_bounds(x, n) AS shifted,
    share_bounds(ex, en) AS early,
    CASE WHEN sum(ln) > 0 THEN share_bounds(lx, ln) END AS late
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, segment
QUALIFY count(*) OVER (PARTITION BY ordinal) > 1
ORDER BY ordinal, segment
