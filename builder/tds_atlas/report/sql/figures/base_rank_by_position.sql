-- Geometric mean of the response token's rank under the base at each position, with 95 % intervals; positions that at
-- least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT comparison, position, exp(mean) AS rank, exp(low) AS low_rank, exp(high) AS high_rank, responses
FROM by_position(MAP{'rank': ln(base_rank)})
