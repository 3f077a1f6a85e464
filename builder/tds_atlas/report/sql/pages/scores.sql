-- Each condition's scores at every position of some of a comparison's answers, with its first ten candidates (the first
-- alone where the lists are in the shards), for the example pages; log-probabilities without their minus sign.
SELECT
    s.response_id,
    s.condition_id,
    s.pos,
    s.rank,
    CASE WHEN s.logprob IS NOT NULL THEN round(-1000 * greatest(s.logprob, -999))::INTEGER END AS logprob_millinats,
    CASE WHEN s.entropy IS NOT NULL THEN greatest(round(1000 * s.entropy), 0) END::INTEGER AS entropy_millinats,
    coalesce(s.top_ids[1:10], [s.top_id]) AS ids,
    list_transform(
        coalesce(s.top_logprobs[1:10], [s.top_logprob]), lambda x: round(-1000 * greatest(x, -999))::INTEGER
    ) AS logprobs_millinats
FROM comparison c
JOIN response r ON r.source = c.source
JOIN score s USING (response_id)
JOIN condition k ON k.condition_id = s.condition_id
WHERE
    c.comparison_id = $comparison_id
    AND r.response_id IN (SELECT unnest($responses))
    AND s.rank IS NOT NULL
    AND (k.arithmetic = '' OR s.condition_id IN (c.base_condition_id, c.aligned_condition_id))
ORDER BY s.response_id, s.condition_id, s.pos
