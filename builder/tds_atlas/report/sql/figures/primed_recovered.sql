-- Share of the gap to the aligned model that another context closes for the same base: 1 - KL(aligned‖base, prompted) /
-- KL(aligned‖base), from the stored lists, with 95 % intervals clustered by prompt; q is the false discovery rate
-- over all
-- comparisons and contexts.
WITH
    per_prompt AS (
        SELECT comparison_id, context_id, cluster_id, sum(own_kl) AS n, sum(own_kl - given_kl) AS x
        FROM primed_pair
        JOIN prompt_cluster USING (prompt_id)
        GROUP BY ALL
    ),
    found AS (
        SELECT
            ordinal,
            label AS comparison,
            context_id AS context,
            count(*) AS prompts,
            unnest(ratio_interval(x, n, decimals := 9)),
            round(sum(n), 6) AS own_nats,
            round(sum(n - x), 6) AS left_nats
        FROM per_prompt
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label, context_id
        HAVING sum(n) > 0
    ),
    tested AS (SELECT *, bounds_p(share, low_share, high_share, prompts - 1) AS p FROM found)
SELECT comparison, context, share, low_share, high_share, own_nats, left_nats, q
FROM discoveries('tested', true)
ORDER BY context, ordinal
