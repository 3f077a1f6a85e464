-- How much probability has tuning taken from the tokens that the base favours, by place in the answer?
-- part: What both would have said
SELECT
    comparison_id,
    CASE WHEN pos < 5 THEN 'first five' ELSE 'later' END AS place,
    count(*) AS positions,
    avg(favoured_base) AS mean_under_base,
    avg(favoured_aligned) AS mean_under_aligned,
    avg(favoured_base - favoured_aligned) AS mean_taken
FROM support
WHERE kind = 'tuning'
GROUP BY ALL
ORDER BY ALL
