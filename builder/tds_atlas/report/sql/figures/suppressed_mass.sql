-- Mean probability of the tokens to which the base gives more than the aligned model, under each of them, at each
-- position, with 95 % intervals: listed tokens only, and at most as much under the aligned model as drawn. Positions
-- that at least 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT comparison, line, position, mean AS share, low AS low_share, high AS high_share, responses
FROM by_position(MAP{'aligned': favoured_aligned, 'base': favoured_base}, shares := true, source := 'support_said')
