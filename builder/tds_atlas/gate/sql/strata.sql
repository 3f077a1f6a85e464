-- What kind of prompt each text is: the set that it is from, and its tasks.
SELECT text, arg_min("set", ordinal) AS "set", arg_min(array_to_string(list_sort(tasks), ', '), ordinal) AS tasks
FROM prompt
GROUP BY text
ORDER BY text
