-- Share of shifted tokens by task and topic, in per cent; the ten most common of each, cells with at least 5 prompts.
-- Coloured where a cell differs from the comparison's overall share, against as many of its prompts drawn at random,
-- with a false discovery rate of 5 % over the cells of the comparison; grey where it does not.
WITH
    tagged AS (
        SELECT DISTINCT prompt_id, task, topic
        FROM prompt
        CROSS JOIN LATERAL unnest(tasks) AS a(task)
        CROSS JOIN LATERAL unnest(topics) AS b(topic)
    ),
    common_task AS (SELECT task FROM tagged GROUP BY task ORDER BY count(DISTINCT prompt_id) DESC, task LIMIT 10),
    common_topic AS (
        SELECT topic, row_number() OVER (ORDER BY count(DISTINCT prompt_id) DESC, topic) AS topic_place
        FROM tagged
        GROUP BY topic
        QUALIFY topic_place <= 10
    ),
    members AS (
        SELECT prompt_id, {'task': task, 'topic': topic, 'place': topic_place} AS part
        FROM tagged
        JOIN common_task USING (task)
        JOIN common_topic USING (topic)
    ),
    cell AS (FROM shift_of_groups('members') WHERE prompts >= 5),
    controlled AS (FROM discoveries('cell', comparison_id))
-- Where all or no tokens are shifted, the bound is Wilson's for as many prompts.
SELECT
    label AS comparison,
    part.task,
    part.topic,
    share,
    low_share,
    high_share,
    overall_share,
    CASE WHEN q > 0.05 THEN 'no clear difference' WHEN share > overall_share THEN 'above' ELSE 'below' END AS against,
    round(p, 6) AS p,
    prompts,
    positions
FROM controlled
JOIN comparison USING (comparison_id)
WHERE (SELECT count(DISTINCT part) FROM controlled) > 1
ORDER BY ordinal, sum(positions) OVER (PARTITION BY part.task) DESC, part.task, part.place
