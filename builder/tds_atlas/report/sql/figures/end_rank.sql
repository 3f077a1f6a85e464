-- Shift class of the end token where the answers end, by its rank under the base, with 95 % intervals clustered by
-- prompt.
WITH
    per_prompt AS (
        SELECT comparison_id, cluster_id, count(*) AS n, unnest(class_counts(base_rank), recursive := true)
        FROM tds
        WHERE is_end
        GROUP BY comparison_id, cluster_id
    )
SELECT label AS comparison, shift, unnest(share_interval(x, n)), sum(x)::BIGINT AS answers
FROM per_prompt
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, shift
ORDER BY ordinal, list_position(['unshifted', 'marginal', 'shifted'], shift)
