-- The answers of each comparison by the text of their prompt: their tokens as one hash, and the example's place.
SELECT comparison_id, text, md5(string_agg(tokens, '/' ORDER BY tokens)) AS answers, min(ordinal)::INTEGER AS ordinal
FROM
    (
        SELECT
            comparison_id,
            q.text,
            q.ordinal,
            response_id,
            md5(string_agg(token_id::VARCHAR, ' ' ORDER BY pos)) AS tokens
        FROM comparison c
        JOIN response r USING (source)
        JOIN prompt q USING (prompt_id)
        JOIN "position" USING (response_id)
        WHERE kind = 'tuning'
        GROUP BY ALL
    )
GROUP BY ALL
ORDER BY ALL
;
