-- Every condition with its model, its context and its prompt card.
SELECT
    condition_id,
    m.label AS model,
    m.source,
    m.revision,
    m.architecture,
    m.parameters,
    m.dtype,
    m.weights_hash,
    m.engine,
    m.loaded,
    x.context_id,
    x.kind,
    arithmetic,
    prompt_card,
    array_to_string(head_ids, ' ') AS head_ids,
    array_to_string(tail_ids, ' ') AS tail_ids,
    begin_tokens,
    template_hash,
    opening,
    closing,
    remarks
FROM condition
JOIN model m USING (model_id)
JOIN context x USING (context_id)
ORDER BY arithmetic <> '', condition_id
