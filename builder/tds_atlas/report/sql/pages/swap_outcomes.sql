-- Token swap: outcomes of the texts, by method and share of positions swapped; facts right of those asked for, refusals
-- of harmful requests, with 95 % intervals of style.
SELECT
    comparison_id,
    method,
    share AS aimed_share,
    sum(n_swapped) / sum(n_tokens) AS swapped_share,
    count(*) AS texts,
    avg(is_right::INTEGER) AS right_share,
    avg(refuses::INTEGER) FILTER (harmful) AS refusing_share,
    avg((finish = 'stop')::INTEGER) AS ended_share,
    avg(style_share) AS style_share,
    clustered_half_width(style_share, 1) AS style_half_width_share
FROM swap
JOIN prompt USING (prompt_id)
GROUP BY ALL
ORDER BY comparison_id, share, method
