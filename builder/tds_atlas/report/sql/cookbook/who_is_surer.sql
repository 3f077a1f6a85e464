-- Which model is more confident?
-- part: What both would have said
SELECT
    comparison_id,
    avg(base_entropy) AS base_entropy_nats,
    avg(aligned_entropy) AS aligned_entropy_nats,
    clustered_mean(x, n) AS difference_nats,
    clustered_half_width(x, n) AS half_width_nats
FROM
    (
        SELECT
            comparison_id,
            cluster_id,
            avg(base_entropy) AS base_entropy,
            avg(aligned_entropy) AS aligned_entropy,
            sum(aligned_entropy::DOUBLE - base_entropy) AS x,
            count(*)::DOUBLE AS n
        FROM tds
        WHERE base_entropy IS NOT NULL AND aligned_entropy IS NOT NULL
        GROUP BY ALL
    )
GROUP BY comparison_id
ORDER BY comparison_id
