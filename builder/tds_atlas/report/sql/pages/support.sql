-- What both models' ten likeliest tokens share, and its mass under each; what the base favours; how many are shared
-- among an answer's first five tokens less among its later ones, with its false discovery rate over the comparisons.
WITH
    placed AS (
        SELECT
            comparison_id,
            cluster_id,
            CASE WHEN segment = 'answer' THEN segment_pos < 5 END AS early,
            s.* EXCLUDE (comparison_id)
        FROM support s
        JOIN
            (SELECT comparison_id, response_id, pos, cluster_id, segment, segment_pos FROM tds) USING (
                comparison_id, response_id, pos
            )
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) AS n,
            max(k) AS k,
            min(k) AS least_k,
            sum(shared / k)::DOUBLE AS shared,
            sum(base_mass) AS base_mass,
            sum(aligned_mass) AS aligned_mass,
            sum(favoured_base) AS favoured_base,
            sum(favoured_aligned) AS favoured_aligned,
            sum(favoured_base - favoured_aligned) AS taken,
            count(*) FILTER (early) AS en,
            coalesce(sum(shared / k) FILTER (early), 0)::DOUBLE AS ex,
            count(*) FILTER (NOT early) AS ln,
            coalesce(sum(shared / k) FILTER (NOT early), 0)::DOUBLE AS lx
        FROM placed
        GROUP BY comparison_id, cluster_id
    ),
    totals AS (
        SELECT
            comparison_id,
            sum(en) AS e_size,
            sum(ex) / nullif(sum(en), 0) AS early,
            sum(ln) AS l_size,
            sum(lx) / nullif(sum(ln), 0) AS late
        FROM per_prompt
        GROUP BY comparison_id
    ),
    apart AS (
        SELECT
            comparison_id,
            any_value(early) AS early,
            any_value(late) AS late,
            any_value(early - late) AS difference,
            round(clustered_margin((ex - early * en) / e_size - (lx - late * ln) / l_size), 10) AS half_width,
            count(*) AS prompts
        FROM per_prompt
        JOIN totals USING (comparison_id)
        WHERE e_size > 0 AND l_size > 0
        GROUP BY comparison_id
    ),
    tested AS (SELECT * EXCLUDE (prompts), margin_p(difference, half_width, prompts - 1) AS p FROM apart),
    found AS (
        SELECT
            comparison_id,
            max(k) AS k,
            min(least_k) AS least_k,
            sum(n)::BIGINT AS positions,
            share_bounds(shared, n) AS shared,
            share_bounds(base_mass, n) AS base_mass,
            share_bounds(aligned_mass, n) AS aligned_mass,
            share_bounds(favoured_base, n) AS favoured_base,
            share_bounds(favoured_aligned, n) AS favoured_aligned,
            share_bounds(taken, n) AS taken
        FROM per_prompt
        GROUP BY comparison_id
    )
SELECT label, f.* EXCLUDE (comparison_id), early, late, difference, half_width, q
FROM found f
JOIN comparison USING (comparison_id)
LEFT JOIN discoveries('tested', true) d USING (comparison_id)
ORDER BY ordinal
