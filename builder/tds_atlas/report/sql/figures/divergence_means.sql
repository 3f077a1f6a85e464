-- Mean divergence per position over the full vocabulary, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            prompt_id,
            count(*) AS n,
            sum(kl_aligned_base::DOUBLE) AS "KL(aligned‖base)",
            sum(kl_base_aligned::DOUBLE) AS "KL(base‖aligned)",
            sum(js::DOUBLE) AS JS
        FROM tds
        GROUP BY ALL
    ),
    long AS (UNPIVOT per_prompt ON "KL(aligned‖base)", "KL(base‖aligned)", JS INTO NAME measure VALUE x)
SELECT
    label AS comparison,
    measure,
    round(clustered_mean(x, n), 10) AS nats,
    round(clustered_half_width(x, n), 10) AS half_width_nats,
    kept_within(round(clustered_mean(x, n) - clustered_half_width(x, n), 10), 0, NULL) AS low_nats,
    round(clustered_mean(x, n) + clustered_half_width(x, n), 10) AS high_nats
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, measure
ORDER BY list_position(['KL(aligned‖base)', 'KL(base‖aligned)', 'JS'], measure), ordinal
