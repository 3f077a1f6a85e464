-- What share of tokens is shifted, and how certain is that?
-- part: How much
-- First one row per prompt: x its shifted tokens, n all its tokens. The macro gives the share and its 95 % interval.
SELECT comparison_id, count(*) AS prompts, unnest(share_interval(x, n))
FROM
    (
        SELECT comparison_id, cluster_id, count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*)::DOUBLE AS n
        FROM tds
        GROUP BY ALL
    )
GROUP BY comparison_id
ORDER BY comparison_id
