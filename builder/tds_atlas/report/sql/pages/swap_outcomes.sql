-- Token swap: outcomes of the texts by writer, method and share of positions swapped, with 95 % intervals: facts
-- right of
-- those asked for, refusals of harmful requests, style, texts that ended, texts equal to the aligned model's; what
-- graders say.
SELECT
    comparison_id,
    outcome,
    writer,
    method,
    share AS aimed_share,
    threshold,
    sum(n_swapped) / sum(n_tokens) AS swapped_share,
    count(*) AS prompts,
    avg(x) AS mean,
    outcome_bounds(x, is_share).low AS low,
    outcome_bounds(x, is_share).high AS high
FROM swap_outcome
WHERE x IS NOT NULL
GROUP BY comparison_id, outcome, writer, method, share, threshold
ORDER BY
    comparison_id,
    list_position(['refusal', 'style', 'agreement', 'right', 'ended'], outcome),
    outcome,
    writer DESC,
    swapped_share,
    method
