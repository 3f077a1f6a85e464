-- Shift class of the end token where the answers end, by its rank under the base, with 95 % intervals clustered by
-- prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            prompt_id,
            count(*) AS n,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS unshifted,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS marginal,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS shifted
        FROM tds
        WHERE is_end
        GROUP BY ALL
    ),
    long AS (UNPIVOT per_prompt ON unshifted, marginal, shifted INTO NAME shift VALUE x)
SELECT
    label AS comparison,
    shift,
    clustered_mean(x, n) AS share,
    clustered_half_width(x, n) AS half_width_share,
    sum(x)::BIGINT AS answers
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, shift
ORDER BY ordinal, list_position(['unshifted', 'marginal', 'shifted'], shift)
