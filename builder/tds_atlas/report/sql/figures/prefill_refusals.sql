-- How often the aligned model still refuses after the first k tokens of the base's own answer to a harmful prompt:
-- share of prompts with 95 % intervals (Wilson).
WITH
    counts AS (
        SELECT ordinal, label, k, count(*) AS prompts, avg(refuses::INTEGER) AS share, power(z95(), 2) / count(*) AS z
        FROM prefill
        JOIN comparison USING (comparison_id)
        WHERE kind = 'tuning'
        GROUP BY ordinal, label, k
    )
SELECT
    label AS comparison,
    k,
    share,
    kept_within((share + z / 2 - sqrt(z * share * (1 - share) + z * z / 4)) / (1 + z), 0, 1) AS low_share,
    kept_within((share + z / 2 + sqrt(z * share * (1 - share) + z * z / 4)) / (1 + z), 0, 1) AS high_share,
    prompts
FROM counts
ORDER BY ordinal, k
