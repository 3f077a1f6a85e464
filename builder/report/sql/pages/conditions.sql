-- Every condition with its model, its context and its prompt card.
SELECT condition_id, m.label AS model, m.source, m.revision, m.architecture, m.parameters, m.dtype, m.weights_hash, x.context_id, x.kind, prompt_card
FROM condition JOIN model m USING (model_id) JOIN context x USING (context_id) ORDER BY condition_id
