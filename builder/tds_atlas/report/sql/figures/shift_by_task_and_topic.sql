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
    per_prompt AS (
        SELECT
            comparison_id,
            task,
            topic,
            topic_place,
            cluster_id,
            share,
            all_prompts,
            square,
            third,
            sum(n) AS n,
            sum(x) AS x,
            sum(excess) AS excess
        FROM tagged
        JOIN prompt_excess USING (prompt_id)
        JOIN common_task USING (task)
        JOIN common_topic USING (topic)
        GROUP BY ALL
    ),
    cell AS (
        SELECT
            comparison_id,
            task,
            topic,
            topic_place,
            share AS overall,
            count(*) AS prompts,
            sum(n)::BIGINT AS positions,
            clustered_mean(x, n) AS ratio,
            share_bounds(x, n) AS bounds,
            drawn_p(sum(excess), count(*), all_prompts, square, third) AS p
        FROM per_prompt
        GROUP BY comparison_id, task, topic, topic_place, share, all_prompts, square, third
        HAVING count(*) >= 5
    ),
    controlled AS (FROM discoveries('cell', comparison_id))
-- Where all or no tokens are shifted, the bound is Wilson's for as many prompts.
SELECT
    label AS comparison,
    task,
    topic,
    ratio AS share,
    bounds.low AS low_share,
    bounds.high AS high_share,
    overall AS overall_share,
    CASE WHEN q > 0.05 THEN 'no clear difference' WHEN ratio > overall THEN 'above' ELSE 'below' END AS against,
    round(p, 6) AS p,
    prompts,
    positions
FROM controlled
JOIN comparison USING (comparison_id)
WHERE (SELECT count(DISTINCT(task, topic)) FROM controlled) > 1
ORDER BY ordinal, sum(positions) OVER (PARTITION BY task) DESC, task, topic_place
