-- Are answers to harmful prompts changed more than others?
-- part: How much
SELECT
    comparison_id,
    harmful,
    count(*) AS prompts,
    clustered_mean(x, n) AS shifted_share,
    clustered_half_width(x, n) AS half_width_share
FROM
    (
        SELECT
            comparison_id,
            prompt_id,
            any_value(harmful) AS harmful,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
            count(*)::DOUBLE AS n
        FROM tds
        WHERE harmful IS NOT NULL
        GROUP BY comparison_id, prompt_id
    )
GROUP BY ALL
ORDER BY ALL
