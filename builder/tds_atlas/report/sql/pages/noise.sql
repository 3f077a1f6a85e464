-- A/A checks: what arithmetic alone changes, and what another engine does.
SELECT
    condition_id,
    arithmetic,
    arithmetic <> 'rebatched' AND NOT contains(arithmetic, 'float') AS is_engine,
    count(*) AS positions,
    count(*) FILTER (rank <> rank_again) AS ranks,
    count(*) FILTER (class_flips) AS classes,
    max(kl_again_first) AS largest_kl_nats,
    avg(kl_again_first) AS mean_kl_nats,
    max(abs(logprob_again - logprob)) AS largest_logprob_nats
FROM noise
JOIN comparison USING (comparison_id)
GROUP BY ordinal, condition_id, arithmetic
ORDER BY ordinal
