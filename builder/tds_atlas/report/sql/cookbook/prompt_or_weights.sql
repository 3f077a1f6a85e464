-- Was it the prompt or the weights?
-- part: What did it
-- needs: split
-- Means over one row per prompt, and their half widths: delta is the sum of the other two.
SELECT
    comparison_id,
    clustered_mean(d, n) AS delta_nats,
    clustered_mean(c, n) AS prompt_nats,
    clustered_half_width(c, n) AS prompt_half_width_nats,
    clustered_mean(w, n) AS weights_nats,
    clustered_half_width(w, n) AS weights_half_width_nats
FROM
    (
        SELECT comparison_id, cluster_id, sum(delta) AS d, sum(context) AS c, sum(weights) AS w, count(*)::DOUBLE AS n
        FROM split
        JOIN prompt_cluster USING (prompt_id)
        WHERE weights IS NOT NULL AND delta IS NOT NULL
        GROUP BY ALL
    )
GROUP BY comparison_id
ORDER BY comparison_id
