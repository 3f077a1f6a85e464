-- Share of answers that refuse (a phrase of the role safety), and of those that go round (a passage of at most 16
-- tokens
-- follows itself), by α, with 95 % intervals clustered by prompt.
WITH
    long AS (
        SELECT
            comparison_id,
            alpha,
            answers,
            unnest(
                [{'line': 'refuses', 'x': refusing * answers}, {'line': 'goes round', 'x': going_round * answers}],
                recursive := true
            )
        FROM amplified_outcome
    )
SELECT
    label AS comparison,
    line,
    alpha,
    unnest(share_interval(x, answers)),
    sum(answers)::BIGINT AS answers,
    count(*) AS prompts
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, line, alpha
ORDER BY ordinal, line DESC, alpha
