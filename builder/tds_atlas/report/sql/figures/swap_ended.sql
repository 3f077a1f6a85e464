-- Share of texts that reach the end token on their own, by the share of positions swapped.
FROM swap_curve(['ended'])
