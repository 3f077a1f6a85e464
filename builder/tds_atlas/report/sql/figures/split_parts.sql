-- The mean change of the answer's log-probability split into two parts, the prompt and the weights, in both orders,
-- with 95 % intervals clustered by prompt; comparisons whose two contexts differ. q is the false discovery rate of a
-- part
-- over the comparisons.
WITH
    per_prompt AS (
        SELECT
            s.comparison_id,
            cluster_id,
            count(*) AS n,
            sum(delta)::DOUBLE AS total,
            sum(context)::DOUBLE AS prompt_first,
            sum(context_after)::DOUBLE AS prompt_second,
            sum(weights)::DOUBLE AS weights_second,
            sum(weights_first)::DOUBLE AS weights_first
        FROM split s
        JOIN comparison c USING (comparison_id)
        JOIN prompt_cluster USING (prompt_id)
        JOIN condition b ON b.condition_id = c.base_condition_id
        JOIN condition a ON a.condition_id = c.aligned_condition_id
        WHERE b.context_id <> a.context_id AND delta IS NOT NULL AND context IS NOT NULL
        GROUP BY ALL
    ),
    long AS (
        UNPIVOT per_prompt ON total, prompt_first, prompt_second, weights_second, weights_first INTO NAME name VALUE x
    ),
    found AS (
        SELECT
            ordinal,
            label AS comparison,
            CASE
                WHEN name = 'total' THEN 'both together' WHEN name LIKE 'prompt%' THEN 'the prompt' ELSE 'the weights'
            END AS part,
            CASE
                WHEN name IN ('prompt_first', 'weights_second')
                THEN 'prompt first'
                WHEN name = 'total'
                THEN 'whole'
                ELSE 'weights first'
            END AS "order",
            count(*) AS prompts,
            unnest(signed_nats_interval(x, n, decimals := 9)),
            sum(n)::BIGINT AS positions
        FROM long
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label, name
    ),
    tested AS (SELECT *, bounds_p(nats, low_nats, high_nats, prompts - 1) AS p FROM found)
SELECT comparison, part, "order", nats, low_nats, high_nats, positions, q
FROM discoveries('tested', (part, "order"))
ORDER BY ordinal, list_position(['both together', 'the prompt', 'the weights'], part), "order"
