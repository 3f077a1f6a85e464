-- Share of shifted tokens by the probability of the base's own first choice, with 95 % intervals clustered by prompt;
-- bins with at least 30 positions.
FROM by_confidence(shift = 'shifted')
