-- Of both models' ten likeliest tokens, the share that both have, at each position of the answer, with 95 % intervals;
-- positions that at least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT comparison, position, mean AS share, low AS low_share, high AS high_share, responses
FROM by_position(MAP{'shared': shared / k}, shares := true, source := 'support_said')
