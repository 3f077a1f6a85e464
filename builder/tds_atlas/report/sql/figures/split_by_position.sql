-- The two parts at each position of the answer, prompt first, with 95 % intervals; positions that at least 20 answers
-- reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
WITH
    parts AS (
        SELECT
            label,
            ordinal,
            segment_pos AS pos,
            cluster_id,
            unnest(['the prompt', 'the weights']) AS part,
            unnest([context, weights])::DOUBLE AS x
        FROM split s
        JOIN places() USING (response_id, pos)
        JOIN comparison c USING (comparison_id)
        JOIN prompt_cluster USING (prompt_id)
        JOIN condition b ON b.condition_id = c.base_condition_id
        JOIN condition a ON a.condition_id = c.aligned_condition_id
        WHERE b.context_id <> a.context_id AND delta IS NOT NULL AND context IS NOT NULL AND drawn_position(segment_pos)
    ),
    per_prompt AS (SELECT ordinal, label, part, pos, cluster_id, count(*) AS n, sum(x) AS x FROM parts GROUP BY ALL)
SELECT
    label AS comparison,
    part,
    pos AS position,
    unnest(signed_nats_interval(x, n, decimals := 9)),
    sum(n)::BIGINT AS responses
FROM per_prompt
GROUP BY ordinal, label, part, pos
HAVING count(*) >= 20
ORDER BY ordinal, part, pos
