-- How often the intervals would hold the truth with fewer prompts like these: 200 reports of 10, 20 and 50 prompts
-- drawn
-- from this one's with replacement, whose truth is the value over all of them. Drawn by hashes: always the same.
WITH
    known AS (
        SELECT
            comparison_id,
            measure,
            x,
            n,
            row_number() OVER (PARTITION BY comparison_id, measure ORDER BY cluster_id) - 1 AS nth,
            count(*) OVER m AS prompts,
            sum(x) OVER m / sum(n) OVER m AS truth
        FROM prompt_measure
        WHERE measure IN ('shifted', 'KL(aligned‖base)') AND x IS NOT NULL
        WINDOW m AS (PARTITION BY comparison_id, measure)
    ),
    draws AS (
        SELECT
            comparison_id,
            measure,
            truth,
            size,
            report,
            (hash(concat_ws(' ', size, report, i)) % prompts)::BIGINT AS nth
        FROM (SELECT DISTINCT comparison_id, measure, prompts, truth FROM known)
        JOIN (VALUES (10), (20), (50)) AS sizes(size) ON size < prompts
        CROSS JOIN range(200) AS reports(report)
        CROSS JOIN LATERAL range(size) AS draws(i)
    ),
    drawn AS (
        SELECT comparison_id, measure, d.truth, size, report, share_bounds(x, n) AS share, mean_bounds(x, n) AS nats
        FROM draws d
        JOIN known USING (comparison_id, measure, nth)
        GROUP BY comparison_id, measure, d.truth, size, report
    )
SELECT
    label,
    measure,
    size,
    avg(
        CASE
            WHEN measure = 'shifted'
            THEN truth BETWEEN share.low AND share.high
            ELSE truth BETWEEN nats.low AND nats.high
        END::INTEGER
    ) AS coverage
FROM drawn
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, measure, size
ORDER BY measure DESC, ordinal, size
