-- Share of positions in each class, per comparison, with 95 % intervals clustered by prompt.
SELECT label AS comparison, measure AS shift, unnest(share_interval(x, n)), sum(x)::BIGINT AS positions
FROM prompt_measure
JOIN comparison USING (comparison_id)
WHERE unit = 'share'
GROUP BY ordinal, label, place, measure
ORDER BY ordinal, place
