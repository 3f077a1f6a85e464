-- The A/A checks that change nothing but batches: how much each measure of a condition moves by arithmetic alone.
SELECT
    condition_id,
    avg(((shift_class(rank) = 'shifted') <> (shift_class(rank_again) = 'shifted'))::INTEGER) AS shifted,
    avg(js) AS js,
    avg(kl_again_first) AS kl,
    avg(abs(logprob_again - logprob)) AS delta
FROM noise
WHERE arithmetic = 'rebatched'
GROUP BY condition_id
ORDER BY condition_id
;
