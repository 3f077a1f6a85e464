-- The five tokens most often shifted in each comparison, and what the base would most often have said there.
WITH places AS (
    SELECT ordinal, label, token, base_top, count(*) AS n
    FROM tds JOIN comparison USING (comparison_id) WHERE shift = 'shifted' AND token IS NOT NULL GROUP BY ALL
), ranked AS (
    SELECT ordinal, label, token, sum(n)::BIGINT AS positions, arg_max(base_top, n) AS base_top
    FROM places GROUP BY ALL
)
SELECT label, token, positions, base_top FROM ranked
QUALIFY row_number() OVER (PARTITION BY label ORDER BY positions DESC, token) <= 5
ORDER BY ordinal, positions DESC, token
