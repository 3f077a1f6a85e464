-- How long are the answers, and how did they end?
-- part: What the numbers rest on
SELECT
    source,
    finish,
    count(*) AS answers,
    min(n_tokens) AS shortest,
    median(n_tokens) AS median_tokens,
    max(n_tokens) AS longest
FROM response
GROUP BY source, finish
ORDER BY source, answers DESC, finish
