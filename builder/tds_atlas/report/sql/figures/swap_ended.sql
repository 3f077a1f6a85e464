-- Share of texts that reach the end token by themselves, by the share of positions at which the aligned model chose.
FROM swap_curve('ended')
