-- How far samples of a prompt, prompts and models are apart, where answers are samples.
SELECT label, measure, unit, prompts, answers, mean, between_samples, between_prompts, between_models
FROM sample_spread
JOIN comparison USING (comparison_id)
ORDER BY ordinal, place
