-- Where the shifted tokens of each answer are: their roles, and the first positions within the answer itself.
SELECT
    comparison_id,
    response_id,
    list(DISTINCT role ORDER BY role) AS roles,
    coalesce(list(segment_pos) FILTER (WHERE segment = 'answer' AND segment_pos < 96), []) AS places
FROM tds
WHERE shift = 'shifted'
GROUP BY comparison_id, response_id
ORDER BY comparison_id, response_id
