-- Share of texts identical to the aligned model's own, by the share of positions swapped.
FROM swap_curve(['agreement'])
