-- At what share of positions do the two models really disagree (JS above 0.1 nats)?
-- part: How much
SELECT comparison_id, clustered_mean(x, n) AS share, clustered_half_width(x, n) AS half_width_share
FROM
    (
        SELECT comparison_id, prompt_id, count(*) FILTER (js > 0.1)::DOUBLE AS x, count(*)::DOUBLE AS n
        FROM tds
        GROUP BY ALL
    )
GROUP BY comparison_id
ORDER BY comparison_id
