-- Mean KL(aligned‖base) over the full vocabulary at each position, with 95 % intervals; positions that at least 20 answers reach.
SELECT label AS comparison, pos AS position, clustered_mean(kl_aligned_base::DOUBLE, 1) AS nats,
       kept_within(clustered_mean(kl_aligned_base::DOUBLE, 1) - clustered_half_width(kl_aligned_base::DOUBLE, 1), 0, NULL) AS low_nats,
       clustered_mean(kl_aligned_base::DOUBLE, 1) + clustered_half_width(kl_aligned_base::DOUBLE, 1) AS high_nats, count(*) AS responses
FROM tds JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, pos
HAVING count(*) >= 20
ORDER BY ordinal, pos
