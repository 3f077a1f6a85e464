-- Of what was planted on purpose, the share that has a token which stands out, by how many of the tokens raised most
-- at each
-- place count (K), over all texts.
WITH
    settings AS (
        SELECT k, 2147483647 AS first_texts
        FROM (SELECT unnest([1, 2, 5, 10, 20, 50, 100]) AS k)
        JOIN (SELECT max(len(up_ids)) AS longest FROM fingerprint) ON k <= longest
        WHERE EXISTS (FROM control WHERE kind <> 'nothing')
    )
SELECT label AS comparison, k, found_share, found, planted
FROM fingerprint_found('settings')
JOIN comparison USING (comparison_id)
ORDER BY ordinal, k
