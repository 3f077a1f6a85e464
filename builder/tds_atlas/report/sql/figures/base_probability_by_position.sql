-- Mean probability that the base gives to the response token at each position, with 95 % intervals; positions that at
-- least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT comparison, position, mean AS probability, low AS low_probability, high AS high_probability, responses
FROM by_position(MAP{'probability': coalesce(exp(base_logprob), 0)::DOUBLE}, shares := true)
