-- Of the tokens shifted under the base in its own context: how the same base ranks them once it reads the aligned
-- context, with 95 % intervals clustered by prompt.
WITH
    per_prompt AS (
        SELECT
            own.comparison_id,
            own.prompt_id,
            count(*) AS n,
            count(*) FILTER (given.rank = 1)::DOUBLE AS unshifted,
            count(*) FILTER (given.rank BETWEEN 2 AND 3)::DOUBLE AS marginal,
            count(*) FILTER (given.rank > 3)::DOUBLE AS shifted
        FROM primed own
        JOIN
            primed given
            ON given.comparison_id = own.comparison_id
            AND given.response_id = own.response_id
            AND given.pos = own.pos
        WHERE own.is_own AND NOT own.is_aligned AND given.is_aligned AND own.rank > 3
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
