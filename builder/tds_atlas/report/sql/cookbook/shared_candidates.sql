-- How many of their first k candidates do both models share (Jaccard@k), over the first hundred prompts?
-- part: What both would have said
SELECT comparison_id, k, avg(jaccard_at(base_ids, aligned_ids, k)) AS mean_jaccard
FROM
    (
        FROM paired
        WHERE
            kind = 'tuning'
            AND base_ids IS NOT NULL
            AND prompt_id IN (SELECT prompt_id FROM prompt WHERE ordinal <= 100)
    )
CROSS JOIN (VALUES (1), (3), (5), (10)) AS ks(k)
GROUP BY ALL
ORDER BY ALL
