-- Mean KL(aligned‖base) at each of the first 50 positions, with 95 % intervals clustered by prompt, of positions that
-- answers to at least 10 prompts reach: on given harmful answers with the same input for both models (arXiv
-- 2406.05946), on the same with each model's own input, and on the aligned model's own answers to harmful prompts.
WITH
    long AS (
        SELECT
            comparison_id,
            cluster_id,
            pos,
            unnest(
                [
                    {'line': 'harmful answers, same input', 'kl': kl_same_input},
                    {'line': 'harmful answers, own inputs', 'kl': kl_aligned_base}
                ],
                recursive := true
            )
        FROM harmful_answer
        UNION ALL
        SELECT comparison_id, cluster_id, pos, 'own answers, own inputs', kl_aligned_base
        FROM tds
        WHERE harmful AND comparison_id IN (SELECT comparison_id FROM harmful_answer)
    ),
    per_prompt AS (
        SELECT comparison_id, line, pos, cluster_id, count(*) AS n, sum(kl::DOUBLE) AS x
        FROM long
        WHERE pos < 50 AND isfinite(kl)
        GROUP BY ALL
    )
SELECT label AS comparison, line, pos AS position, unnest(nats_interval(x, n)), sum(n)::BIGINT AS answers
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, line, pos
HAVING count(*) >= 10
ORDER BY ordinal, list_position(['harmful answers, same input', 'harmful answers, own inputs'], line), pos
