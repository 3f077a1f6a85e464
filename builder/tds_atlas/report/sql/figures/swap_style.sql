-- Share of a text within phrases of style, averaged over the prompts, by the share of positions swapped.
FROM swap_curve(['style'])
