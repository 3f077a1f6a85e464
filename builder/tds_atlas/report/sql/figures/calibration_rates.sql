-- Share of shifted tokens among those that state a known fact and those within a phrase of the roles file, with 95 %
-- intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            prompt_id,
            role,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS u
        FROM tds
        WHERE role IN ('knowledge', 'style', 'safety') AND EXISTS (FROM "position" WHERE role = 'knowledge')
        GROUP BY ALL
    )
SELECT
    label AS comparison,
    role,
    unnest(share_interval(x, n)),
    clustered_mean(u, n) AS unshifted_share,
    clustered_half_width(u, n) AS unshifted_half_share,
    sum(n)::BIGINT AS positions,
    count(*) AS prompts
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, role
ORDER BY list_position(['knowledge', 'style', 'safety'], role), ordinal
