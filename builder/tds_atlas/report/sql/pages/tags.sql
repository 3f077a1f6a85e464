-- The number of tags: a report without tags has no page on them.
SELECT count(DISTINCT task) AS tasks, count(DISTINCT topic) AS topics
FROM prompt
LEFT JOIN LATERAL unnest(tasks) AS a(task) ON true
LEFT JOIN LATERAL unnest(topics) AS b(topic) ON true
