-- Mean Jensen-Shannon divergence from the base at each step of a run, on the same answers, with 95 % intervals
-- clustered by
-- prompt.
SELECT line, step, unnest(nats_interval(x, n)), count(*) AS prompts
FROM run_curve('JS', 'shared')
GROUP BY series, line, ordinal, step
ORDER BY series, line, ordinal
