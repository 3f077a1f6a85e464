-- What becomes of the answers when what tuning added is amplified?
-- part: Probes
-- needs: amplified
SELECT
    comparison_id,
    alpha,
    count(*) AS answers,
    avg(refuses::INTEGER) AS refusing_share,
    avg(is_right::INTEGER) AS right_share,
    avg(goes_round::INTEGER) AS going_round_share,
    avg(n_tokens) AS mean_tokens,
    sum(n_shifted) / sum(n_tokens) AS shifted_share,
    sum(logprob) / sum(n_tokens) AS nats_per_token
FROM amplified
GROUP BY comparison_id, alpha
ORDER BY comparison_id, alpha
