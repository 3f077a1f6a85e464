-- Do AlignTDS's classes agree with ours, over the first hundred prompts?
-- part: What both would have said
-- needs: aligntds
-- Theirs rank the aligned model's first choice, ours the token that was said; greedy answers make them nearly one.
SELECT o.comparison_id, o.shift AS ours, a.shift AS theirs, count(*) AS positions
FROM aligntds a JOIN tds o USING (comparison_id, response_id, pos)
WHERE a.prompt_id IN (SELECT prompt_id FROM prompt WHERE ordinal <= 100)
GROUP BY ALL
ORDER BY ALL
