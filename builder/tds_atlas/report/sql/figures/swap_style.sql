-- Share of a text within phrases of style, averaged over the prompts, by the share of positions at which the aligned
-- model chose.
FROM swap_curve('style')
