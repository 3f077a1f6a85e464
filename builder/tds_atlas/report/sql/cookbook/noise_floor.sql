-- How much does arithmetic alone change?
-- part: What the numbers rest on
-- needs: noise
SELECT
    comparison_id,
    condition_id,
    arithmetic,
    count(*) AS positions,
    count(*) FILTER (rank <> rank_again) AS ranks_changed,
    count(*) FILTER (class_flips) AS classes_changed,
    max(kl_again_first) AS largest_kl_nats,
    avg(js) AS mean_js_nats
FROM noise
GROUP BY ALL
ORDER BY ALL
