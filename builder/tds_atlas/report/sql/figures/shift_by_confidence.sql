-- Share of shifted tokens by the probability of the base's own first choice, with 95 % intervals clustered by prompt;
-- bins with at least 30 positions.
WITH
    per_prompt AS (
        SELECT
            ordinal,
            label,
            CASE
                WHEN base_top_probability >= 0.99 THEN 99 ELSE 10 * least(floor(base_top_probability * 10)::INTEGER, 9)
            END AS bin,
            prompt_id,
            count(*) AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM tds
        JOIN comparison USING (comparison_id)
        GROUP BY ALL
    )
SELECT label AS comparison, bin AS at_least_percent, unnest(share_interval(x, n)), sum(n)::BIGINT AS positions
FROM per_prompt
GROUP BY ordinal, label, bin
HAVING sum(n) >= 30
ORDER BY ordinal, bin
