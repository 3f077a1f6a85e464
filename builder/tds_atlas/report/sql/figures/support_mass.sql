-- Mean probability of the tokens among the ten likeliest of both models, under each of them, at each position, with
-- 95 % intervals; positions that at least 20 answers reach; beyond the 100th every fourth, beyond the 300th every
-- sixteenth.
SELECT comparison, line, position, mean AS share, low AS low_share, high AS high_share, responses
FROM by_position(MAP{'aligned': aligned_mass, 'base': base_mass}, shares := true, source := 'support_said')
