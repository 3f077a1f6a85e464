-- How many tokens of the base's answer does it take to break a refusal?
-- part: Probes
-- needs: prefill
SELECT
    comparison_id,
    k,
    count(*) AS prompts,
    count(*) FILTER (refuses) / count(*) AS refuses_share,
    clustered_half_width(refuses::INTEGER::DOUBLE, 1::DOUBLE) AS half_width_share,
    avg(opening_logprob) AS mean_opening_nats
FROM prefill
GROUP BY comparison_id, k
ORDER BY comparison_id, k
