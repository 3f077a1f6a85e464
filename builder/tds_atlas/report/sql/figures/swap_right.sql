-- Share of texts that state the fact asked for, by the share of positions at which the aligned model chose; 0 % is the
-- base alone, 100 % the aligned model alone.
FROM swap_curve('right')
