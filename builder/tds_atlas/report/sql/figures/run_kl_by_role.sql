-- Mean KL(aligned‖base) of tokens by role at each step of a run, on the same answers, with 95 % intervals clustered by
-- prompt.
SELECT line, step, unnest(nats_interval(x, n)), count(*) AS prompts
FROM run_curve('role', 'shared')
GROUP BY series, line, ordinal, step
ORDER BY series, line, ordinal
