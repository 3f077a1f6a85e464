-- The base's first choices that lose most where the aligned model gives them less: by the probability lost in all.
WITH
    lost AS (
        SELECT
            comparison_id,
            base_top AS token,
            cluster_id,
            base_top_probability AS base,
            coalesce(
                exp(aligned_logprobs[nullif(list_position(aligned_ids, tds.base_top_id), 0)]::DOUBLE),
                exp(aligned_logprobs[-1]::DOUBLE)
            ) AS aligned
        FROM tds
        JOIN
            (
                SELECT comparison_id, response_id, pos, aligned_ids, aligned_logprobs
                FROM paired
                WHERE len(aligned_ids) > 0
            ) USING (comparison_id, response_id, pos)
    )
SELECT
    label,
    token,
    count(*) AS places,
    count(DISTINCT cluster_id) AS prompts,
    avg(base) AS base_probability,
    avg(aligned) AS aligned_probability
FROM lost
JOIN comparison USING (comparison_id)
WHERE base > aligned AND token IS NOT NULL
GROUP BY ordinal, label, token
QUALIFY row_number() OVER (PARTITION BY ordinal ORDER BY sum(base - aligned) DESC, token) <= 10
ORDER BY ordinal, sum(base - aligned) DESC, token
