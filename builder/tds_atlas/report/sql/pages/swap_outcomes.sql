-- Token swap: outcomes of the texts, by method and share of positions swapped; facts right of those asked for, refusals
-- of harmful requests, with 95 % intervals of style.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            method,
            share,
            cluster_id,
            count(*) AS n,
            sum(n_swapped) AS n_swapped,
            sum(n_tokens) AS n_tokens,
            count(is_right) AS asked,
            count(*) FILTER (is_right) AS answered,
            count(*) FILTER (harmful) AS harms,
            count(*) FILTER (harmful AND refuses) AS refused,
            count(*) FILTER (finish = 'stop') AS ended,
            sum(style_share)::DOUBLE AS style
        FROM swap
        JOIN prompt USING (prompt_id)
        JOIN prompt_cluster USING (prompt_id)
        GROUP BY ALL
    )
SELECT
    comparison_id,
    method,
    share AS aimed_share,
    sum(n_swapped) / sum(n_tokens) AS swapped_share,
    sum(n)::BIGINT AS texts,
    sum(answered) / nullif(sum(asked), 0) AS right_share,
    sum(refused) / nullif(sum(harms), 0) AS refusing_share,
    sum(ended) / sum(n) AS ended_share,
    clustered_mean(style, n) AS style_share,
    share_bounds(style, n).low AS low_style_share,
    share_bounds(style, n).high AS high_style_share
FROM per_prompt
GROUP BY comparison_id, method, share
ORDER BY comparison_id, share, method
