-- How many tokens of the base's answer does it take to break a refusal?
-- part: Probes
-- needs: prefill
SELECT comparison_id, k, count(*) AS prompts, unnest(share_interval(refuses, 1)), avg(opening) AS mean_opening_nats
FROM
    (
        SELECT comparison_id, k, cluster_id, avg(refuses::INTEGER) AS refuses, avg(opening_logprob) AS opening
        FROM prefill
        JOIN prompt_cluster USING (prompt_id)
        GROUP BY ALL
    )
GROUP BY comparison_id, k
ORDER BY comparison_id, k
