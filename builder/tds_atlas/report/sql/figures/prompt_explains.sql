-- Of the tokens shifted under the base in its own context: how the same base ranks them once it reads the aligned
-- context, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            prompt_id,
            count(*) AS n,
            count(*) FILTER (shift_class(given_rank) = 'unshifted')::DOUBLE AS unshifted,
            count(*) FILTER (shift_class(given_rank) = 'marginal')::DOUBLE AS marginal,
            count(*) FILTER (shift_class(given_rank) = 'shifted')::DOUBLE AS shifted
        FROM primed_pair
        WHERE is_aligned AND shift_class(own_rank) = 'shifted'
        GROUP BY ALL
    ),
    long AS (UNPIVOT per_prompt ON unshifted, marginal, shifted INTO NAME shift VALUE x)
SELECT
    label AS comparison,
    shift,
    round(clustered_mean(x, n), 9) AS share,
    round(clustered_half_width(x, n), 9) AS half_width_share,
    sum(x)::BIGINT AS positions
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, shift
ORDER BY ordinal, list_position(['unshifted', 'marginal', 'shifted'], shift)
