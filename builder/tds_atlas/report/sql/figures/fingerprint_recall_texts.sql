-- The same by how many of the texts are read, at the report's own K.
WITH
    settings AS (
        SELECT longest AS k, first_texts
        FROM (SELECT unnest([8, 16, 32, 64, 128, 256, 512, 1024]) AS first_texts)
        JOIN (SELECT max(len(up_ids)) AS longest, max(number) AS texts FROM fingerprint) ON first_texts <= texts
        WHERE EXISTS (FROM control WHERE kind <> 'nothing')
    )
SELECT label AS comparison, first_texts AS texts, found_share, found, planted
FROM fingerprint_found('settings')
JOIN comparison USING (comparison_id)
ORDER BY ordinal, first_texts
