-- Share of positions where the checkpoint's first choice is not the base's, at each step of a run, on the same
-- answers, with
-- 95 % intervals clustered by prompt.
SELECT line, step, unnest(share_interval(x, n)), count(*) AS prompts
FROM run_curve('first choice', 'shared')
GROUP BY series, line, ordinal, step
ORDER BY series, line, ordinal
