-- Every comparison by every measure, with 95 % intervals clustered by prompt; each measure is drawn on its own scale,
-- from zero.
WITH
    answers AS (
        SELECT
            comparison_id,
            t.prompt_id,
            count(*)::DOUBLE AS n,
            count(delta_logprob)::DOUBLE AS with_delta,
            1::DOUBLE AS one,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS unshifted,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS marginal,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS shifted,
            sum(kl_aligned_base::DOUBLE) AS kl,
            sum(kl_base_aligned::DOUBLE) AS kl_back,
            sum(js::DOUBLE) AS js,
            coalesce(sum(delta_logprob::DOUBLE), 0) AS delta,
            CASE
                WHEN any_value(r.condition_id) = any_value(c.aligned_condition_id)
                THEN coalesce(min(pos) FILTER (base_rank > 1), count(*))::DOUBLE
            END AS same
        FROM tds t
        JOIN comparison c USING (comparison_id)
        JOIN response r USING (response_id)
        WHERE (SELECT count(*) FROM comparison WHERE kind = 'tuning') > 1
        GROUP BY ALL
    ),
    long AS (
        SELECT
            comparison_id,
            prompt_id,
            unnest(
                [
                    {'place': 1, 'measure': 'unshifted', 'unit': 'share', 'x': unshifted, 'n': n},
                    {'place': 2, 'measure': 'marginal', 'unit': 'share', 'x': marginal, 'n': n},
                    {'place': 3, 'measure': 'shifted', 'unit': 'share', 'x': shifted, 'n': n},
                    {'place': 4, 'measure': 'KL(aligned‖base)', 'unit': 'nats', 'x': kl, 'n': n},
                    {'place': 5, 'measure': 'KL(base‖aligned)', 'unit': 'nats', 'x': kl_back, 'n': n},
                    {'place': 6, 'measure': 'JS', 'unit': 'nats', 'x': js, 'n': n},
                    {'place': 7, 'measure': 'Δ log p', 'unit': 'nats', 'x': delta, 'n': with_delta},
                    {'place': 8, 'measure': 'same as the base for', 'unit': 'tokens', 'x': same, 'n': one},
                    {'place': 9, 'measure': 'answer length', 'unit': 'tokens', 'x': n, 'n': one}
                ],
                recursive := true
            )
        FROM answers
    )
SELECT
    label AS comparison,
    measure,
    unit,
    round(clustered_mean(x, n), 10) AS mean,
    round(clustered_half_width(x, n), 6) AS half_width,
    kept_within(
        round(clustered_mean(x, n) - clustered_half_width(x, n), 10),
        CASE WHEN measure = 'Δ log p' THEN '-Infinity'::DOUBLE ELSE 0 END,
        CASE WHEN unit = 'share' THEN 1 END
    ) AS low,
    kept_within(
        round(clustered_mean(x, n) + clustered_half_width(x, n), 10),
        '-Infinity'::DOUBLE,
        CASE WHEN unit = 'share' THEN 1 END
    ) AS high,
    count(*) AS prompts
FROM long
JOIN comparison USING (comparison_id)
WHERE x IS NOT NULL
GROUP BY ordinal, label, place, measure, unit
HAVING sum(n) > 0
ORDER BY place, ordinal
