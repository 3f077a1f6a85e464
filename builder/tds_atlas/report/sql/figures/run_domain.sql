-- Mean KL(aligned‖base) on prompts inside and outside what the run trains on, at each step, on the same answers, with
-- 95 %
-- intervals clustered by prompt.
SELECT line, step, unnest(nats_interval(x, n)), count(*) AS prompts
FROM run_curve('domain', 'shared')
GROUP BY series, line, ordinal, step
ORDER BY series, line, ordinal
