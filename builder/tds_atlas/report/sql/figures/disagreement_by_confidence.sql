-- How often base and aligned model have different first choices, by the probability of the base's own first choice,
-- with 95 % intervals clustered by prompt; bins with at least 30 positions.
FROM by_confidence(base_top_id <> aligned_top_id)
