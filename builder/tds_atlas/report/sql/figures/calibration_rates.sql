-- Share of shifted tokens among those that state a truth of the prompt (knowledge), those that state something else in
-- its place (mistake) and those within a phrase of the roles file, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT comparison_id, cluster_id, role, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM tds
        WHERE role IN ('knowledge', 'mistake', 'style', 'safety') AND EXISTS (FROM "position" WHERE role = 'knowledge')
        GROUP BY ALL
    )
SELECT label AS comparison, role, unnest(share_interval(x, n)), sum(n)::BIGINT AS positions, count(*) AS prompts
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, role
ORDER BY list_position(['knowledge', 'mistake', 'style', 'safety'], role), ordinal
