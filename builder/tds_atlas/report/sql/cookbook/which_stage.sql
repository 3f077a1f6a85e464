-- Which stage of a chain of tuning did the work?
-- part: What did it
-- needs: stage
SELECT
    comparison_id,
    first_id,
    second_id,
    role,
    count(*) AS positions,
    avg(first_delta) AS first_nats,
    avg(second_delta) AS second_nats
FROM stage
GROUP BY ALL
ORDER BY comparison_id, first_id, second_id, positions DESC, role
