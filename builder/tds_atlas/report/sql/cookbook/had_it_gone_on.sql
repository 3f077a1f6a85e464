-- How would the base have continued from a shifted position?
-- part: What both would have said
-- needs: continuation
SELECT c.comparison_id, t.prompt_id, c.pos, t.token AS answer_says, c.text AS base_goes_on, c.ends
FROM continuation c
JOIN tds t USING (comparison_id, response_id, pos)
ORDER BY c.comparison_id, t.prompt_id, c.pos
LIMIT 20
