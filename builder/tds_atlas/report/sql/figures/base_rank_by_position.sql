-- Geometric mean of the response token's rank under the base at each position, with 95 % intervals; positions that at
-- least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT
    label AS comparison,
    pos AS position,
    exp(clustered_mean(ln(base_rank), 1)) AS rank,
    kept_within(exp(clustered_mean(ln(base_rank), 1) - clustered_half_width(ln(base_rank), 1)), 1, NULL) AS low_rank,
    exp(clustered_mean(ln(base_rank), 1) + clustered_half_width(ln(base_rank), 1)) AS high_rank,
    count(*) AS responses
FROM tds
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, pos
HAVING count(*) >= 20 AND drawn_position(pos)
ORDER BY ordinal, pos
