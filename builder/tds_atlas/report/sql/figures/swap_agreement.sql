-- Share of texts that are the aligned model's own, word for word, by the share of positions at which it chose.
FROM swap_curve('agreement')
