-- All turns before the answers to some prompts, of those with more than one.
SELECT prompt_id, number, speaker, text, more
FROM turn
WHERE
    prompt_id IN (SELECT unnest($prompts))
    AND prompt_id IN (SELECT prompt_id FROM turn WHERE number > 1 OR speaker <> 'user')
ORDER BY prompt_id, number
