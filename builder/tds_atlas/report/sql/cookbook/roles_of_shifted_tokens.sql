-- What are the shifted tokens for?
-- part: Words and tokens
SELECT
    comparison_id,
    role,
    sum(n)::BIGINT AS positions,
    sum(x)::BIGINT AS shifted,
    clustered_mean(x, n) AS shifted_share,
    clustered_half_width(x, n) AS half_width_share
FROM
    (
        SELECT comparison_id, prompt_id, role, count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*)::DOUBLE AS n
        FROM tds
        GROUP BY ALL
    )
GROUP BY comparison_id, role
ORDER BY comparison_id, shifted_share DESC, role
