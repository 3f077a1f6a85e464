-- What each step's own answers hold, as shares with 95 % intervals clustered by prompt: shifted and style tokens of
-- all,
-- facts of prompts with known ones, refusals of harmful prompts.
SELECT line, step, unnest(share_interval(x, n)), count(*) AS prompts
FROM run_curve('said', 'own')
GROUP BY series, line, ordinal, step
ORDER BY series, line, ordinal
