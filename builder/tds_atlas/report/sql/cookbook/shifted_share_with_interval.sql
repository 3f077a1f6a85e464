-- What share of tokens is shifted, and how certain is that?
-- part: How much
-- First one row per prompt: x its shifted tokens, n all its tokens. The macros give the mean and the 95 % half width of
-- those rows.
SELECT
    comparison_id,
    count(*) AS prompts,
    clustered_mean(x, n) AS shifted_share,
    clustered_half_width(x, n) AS half_width_share
FROM
    (
        SELECT comparison_id, prompt_id, count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*)::DOUBLE AS n
        FROM tds
        GROUP BY ALL
    )
GROUP BY comparison_id
ORDER BY comparison_id
