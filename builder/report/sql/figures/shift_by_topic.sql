-- Share of shifted tokens by the topic of the prompt, with 95 % intervals clustered by prompt.
WITH per_prompt AS (
    SELECT ordinal, label, tag, prompt_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
    FROM tds JOIN comparison USING (comparison_id) CROSS JOIN LATERAL unnest(topics) AS tags(tag)
    GROUP BY ALL
)
SELECT label AS comparison, tag AS topic, clustered_mean(x, n) AS share,
       kept_within(clustered_mean(x, n) - clustered_half_width(x, n), 0, 1) AS low_share,
       kept_within(clustered_mean(x, n) + clustered_half_width(x, n), 0, 1) AS high_share,
       count(*) AS prompts, max(clustered_mean(x, n)) OVER (PARTITION BY tag) AS highest
FROM per_prompt
GROUP BY ordinal, label, tag
ORDER BY highest DESC, tag, ordinal
