-- Where the answers come from, and how they ended.
SELECT
    source,
    any_value(condition_id) AS condition_id,
    any_value(temperature) AS temperature,
    any_value(repetition_penalty) AS repetition_penalty,
    any_value(top_k) AS top_k,
    any_value(top_p) AS top_p,
    any_value(min_p) AS min_p,
    any_value(seed) AS seed,
    count(*) AS answers,
    sum(n_tokens)::BIGINT AS positions,
    count(*) FILTER (finish = 'length') AS cut,
    count(*) FILTER (finish = 'unknown') AS unknown,
    count(*) FILTER (boundary) AS boundary
FROM response
GROUP BY source
ORDER BY source
