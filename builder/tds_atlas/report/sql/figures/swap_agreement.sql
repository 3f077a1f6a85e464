-- Share of texts identical to the aligned model's own, by the share of positions at which it chose.
FROM swap_curve('agreement')
