-- What did each model read just before the answer?
-- part: What the numbers rest on
SELECT condition_id, begin_tokens, list_transform(tail_ids, lambda i: vocabulary.words[i + 1]) AS last_tokens
FROM condition
JOIN model USING (model_id)
JOIN
    (SELECT tokenizer_id, list(text ORDER BY token_id) AS words FROM token GROUP BY tokenizer_id) AS vocabulary USING (
        tokenizer_id
    )
WHERE arithmetic = ''
ORDER BY condition_id
