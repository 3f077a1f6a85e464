-- How many positions of all answers are thinking, tool calls and answers.
SELECT segment, count(*) AS positions FROM "position" GROUP BY segment ORDER BY segment
