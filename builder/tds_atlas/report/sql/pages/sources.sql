-- Where the answers come from, and how they ended.
SELECT
    source,
    any_value(condition_id) AS condition_id,
    count(*) AS answers,
    sum(n_tokens)::BIGINT AS positions,
    count(*) FILTER (finish = 'length') AS cut,
    count(*) FILTER (finish = 'unknown') AS unknown,
    count(*) FILTER (boundary) AS boundary
FROM response
GROUP BY source
ORDER BY source
