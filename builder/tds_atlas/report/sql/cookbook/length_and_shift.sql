-- Are longer answers changed less?
-- part: How much
SELECT
    comparison_id,
    quarter AS quarter_by_length,
    min(n_tokens) AS shortest,
    max(n_tokens) AS longest,
    sum(shifted_share * n_tokens) / sum(n_tokens) AS shifted_share,
    avg(mean_js_nats) AS mean_js_nats
FROM (SELECT *, ntile(4) OVER (PARTITION BY comparison_id ORDER BY n_tokens, prompt_id) AS quarter FROM example)
GROUP BY ALL
ORDER BY ALL
