-- Share of texts that reach the end token on their own, by the share of positions at which the aligned model chose.
FROM swap_curve('ended')
