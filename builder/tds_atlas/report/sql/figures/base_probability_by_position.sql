-- Mean probability that the base gives to the response token at each position, with 95 % intervals; positions that at
-- least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT
    label AS comparison,
    pos AS position,
    clustered_mean(coalesce(exp(base_logprob), 0)::DOUBLE, 1) AS probability,
    kept_within(
        clustered_mean(coalesce(exp(base_logprob), 0)::DOUBLE, 1)
        - clustered_half_width(coalesce(exp(base_logprob), 0)::DOUBLE, 1),
        0,
        1
    ) AS low_probability,
    kept_within(
        clustered_mean(coalesce(exp(base_logprob), 0)::DOUBLE, 1)
        + clustered_half_width(coalesce(exp(base_logprob), 0)::DOUBLE, 1),
        0,
        1
    ) AS high_probability,
    count(*) AS responses
FROM tds
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, pos
HAVING count(*) >= 20 AND drawn_position(pos)
ORDER BY ordinal, pos
