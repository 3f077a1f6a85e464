-- What each comparison measures by: its base, in its context, over its vocabulary; and whose answers are read.
SELECT
    comparison_id,
    c.label,
    c.source,
    bc.condition_id AS base_condition,
    c.aligned_condition_id AS aligned_condition,
    bm.weights_hash AS base_weights,
    bm.tokenizer_id AS base_vocabulary,
    bm.dtype AS base_dtype,
    bc.template_hash AS base_template,
    coalesce(bx.system, '') AS base_system,
    am.weights_hash AS aligned_weights
FROM comparison c
JOIN condition bc ON bc.condition_id = c.base_condition_id
JOIN model bm ON bm.model_id = bc.model_id
JOIN context bx ON bx.context_id = bc.context_id
JOIN condition ac ON ac.condition_id = c.aligned_condition_id
JOIN model am ON am.model_id = ac.model_id
WHERE c.kind = 'tuning'
ORDER BY ordinal
;
