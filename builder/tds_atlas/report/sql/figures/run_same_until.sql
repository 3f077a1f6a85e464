-- Mean position in the same answers up to which the checkpoint's first choice is the base's, at each step of a run,
-- with
-- 95 % intervals clustered by prompt; an answer without a difference counts with its length.
SELECT
    line,
    step,
    clustered_mean(x, n) AS position,
    kept_within(mean_low(x, n), 0, NULL) AS low_position,
    mean_high(x, n) AS high_position,
    count(*) AS prompts
FROM run_curve('same until', 'shared')
GROUP BY series, line, ordinal, step
ORDER BY series, line, ordinal
