-- Mean probability that the base gives to the response token at each position, with 95 % intervals; positions that at
-- least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT
    comparison,
    position,
    mean AS probability,
    kept_within(low, 0, 1) AS low_probability,
    kept_within(high, 0, 1) AS high_probability,
    responses
FROM by_position(MAP{'probability': coalesce(exp(base_logprob), 0)::DOUBLE})
