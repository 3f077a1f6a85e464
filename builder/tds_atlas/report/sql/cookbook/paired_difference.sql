-- Does one comparison move the distributions further than another, prompt by prompt?
-- part: How much
-- needs: comparison
-- Means over the prompts that both have, and the half width of their difference, paired by prompt.
WITH answer AS (SELECT comparison_id, cluster_id, avg(js) AS js FROM tds WHERE js IS NOT NULL GROUP BY ALL)
SELECT
    a.comparison_id AS this,
    b.comparison_id AS that,
    count(*) AS prompts,
    avg(a.js) AS this_js_nats,
    avg(b.js) AS that_js_nats,
    avg(a.js - b.js) AS difference_nats,
    clustered_half_width((a.js - b.js)::DOUBLE, 1::DOUBLE) AS half_width_nats
FROM answer a
JOIN answer b ON b.cluster_id = a.cluster_id AND b.comparison_id > a.comparison_id
GROUP BY ALL
ORDER BY ALL
