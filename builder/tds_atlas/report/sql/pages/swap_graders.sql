-- The report's own graders: of how many swapped texts each gave a grade, and at how many it failed.
SELECT grader, count(*) AS texts, count(value) AS graded, count(error) AS failed
FROM swap_grade
GROUP BY grader
ORDER BY grader
