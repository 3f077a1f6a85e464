-- How long the answers of each source are, in tokens including the end token, and how they finish.
SELECT
    source,
    count(*) AS answers,
    quantile_cont(n_tokens, 0.1) AS tenth,
    median(n_tokens) AS middle,
    quantile_cont(n_tokens, 0.9) AS ninetieth,
    count(*) FILTER (finish = 'stop') AS stopped,
    count(*) FILTER (finish = 'length') AS cut,
    count(*) FILTER (finish = 'unknown') AS unknown
FROM response
WHERE source IN (SELECT source FROM comparison WHERE kind = 'tuning')
GROUP BY source
ORDER BY source
