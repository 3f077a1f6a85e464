-- Each later comparison less the first, over the prompts that both have and paired by prompt, with 95 % intervals; each
-- measure is drawn on its own scale. Filled where the difference is clear at a false discovery rate of 5 % over all of
-- them.
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
    ),
    first AS (
        SELECT comparison_id AS first_id, label AS first_label
        FROM comparison
        WHERE kind = 'tuning'
        ORDER BY ordinal
        LIMIT 1
    ),
    pairs AS (
        SELECT l.comparison_id, first_label, l.place, l.measure, l.unit, l.x, l.n, f.x AS fx, f.n AS fn
        FROM long l
        CROSS JOIN first
        JOIN long f ON f.comparison_id = first_id AND f.prompt_id = l.prompt_id AND f.place = l.place
        WHERE l.comparison_id <> first_id AND l.x IS NOT NULL AND f.x IS NOT NULL
    ),
    totals AS (
        SELECT
            comparison_id,
            place,
            sum(x) / sum(n) AS mean,
            sum(n) AS size,
            sum(fx) / sum(fn) AS first_mean,
            sum(fn) AS first_size
        FROM pairs
        GROUP BY ALL
        HAVING count(*) > 1 AND sum(n) > 0 AND sum(fn) > 0
    ),
    differences AS (
        SELECT
            comparison_id,
            first_label,
            place,
            measure,
            unit,
            round(mean - first_mean, 10) + 0 AS difference,
            count(*) AS prompts,
            round(
                sqrt(
                    count(*)
                    / (count(*) - 1.0)
                    * sum(power((x - mean * n) / size - (fx - first_mean * fn) / first_size, 2))
                ),
                10
            ) AS error
        FROM pairs
        JOIN totals USING (comparison_id, place)
        GROUP BY comparison_id, first_label, place, measure, unit, mean, first_mean
    ),
    tested AS (
        -- Rounded, so that the order in which a sum is taken does not reach the page.
        SELECT
            *,
            CASE
                WHEN error > 1e-9
                THEN normal_p(difference / error)
                ELSE CASE WHEN abs(difference) < 1e-9 THEN 1 ELSE 0 END
            END AS p
        FROM differences
    ),
    placed AS (SELECT *, row_number() OVER (ORDER BY p, comparison_id, place) AS r, count(*) OVER () AS m FROM tested)
SELECT
    label AS comparison,
    first_label AS first,
    measure,
    unit,
    difference,
    1.959964 * error AS half_width,
    difference - 1.959964 * error AS low,
    difference + 1.959964 * error AS high,
    prompts,
    p,
    min(least(1, p * m / r)) OVER (ORDER BY r ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS adjusted_p
FROM placed
JOIN comparison USING (comparison_id)
ORDER BY place, ordinal
