-- Four short questions of the report, spread over its prompts: what a reader who has none in mind can ask the models.
WITH
    short AS (
        SELECT text, ntile(4) OVER (ORDER BY ordinal) AS quarter, ordinal
        FROM prompt
        WHERE length(text) <= 80 AND harmful IS DISTINCT FROM true AND NOT contains(text, chr(10))
    )

SELECT arg_min(text, ordinal) AS text
FROM short
GROUP BY quarter
ORDER BY quarter
