-- Share of shifted tokens by task and topic, in per cent; the ten most common of each, cells with at least 5 prompts.
-- Coloured where the 95 % interval, clustered by prompt, excludes the comparison's overall share; grey where it does
-- not.
WITH
    overall AS (SELECT comparison_id, sum(x) / sum(n) AS overall FROM prompt_shift GROUP BY ALL),
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
    cell AS (
        SELECT
            comparison_id,
            task,
            topic,
            topic_place,
            overall,
            count(*) AS prompts,
            sum(n)::BIGINT AS positions,
            clustered_mean(x, n) AS ratio,
            clustered_half_width(x, n) AS half
        FROM tagged
        JOIN prompt_shift USING (prompt_id)
        JOIN overall USING (comparison_id)
        JOIN common_task USING (task)
        JOIN common_topic USING (topic)
        GROUP BY comparison_id, task, topic, topic_place, overall
        HAVING count(*) >= 5
    ),
    bounded AS (
        -- Where all or no tokens are shifted, the bound is Wilson's for as many prompts.
        SELECT *, share_low(ratio, half, prompts) AS low_share, share_high(ratio, half, prompts) AS high_share FROM cell
    )
SELECT
    label AS comparison,
    task,
    topic,
    ratio AS share,
    low_share,
    high_share,
    overall AS overall_share,
    CASE
        WHEN low_share > overall THEN 'above' WHEN high_share < overall THEN 'below' ELSE 'no clear difference'
    END AS against,
    prompts,
    positions
FROM bounded
JOIN comparison USING (comparison_id)
WHERE (SELECT count(DISTINCT(task, topic)) FROM bounded) > 1
ORDER BY ordinal, sum(positions) OVER (PARTITION BY task) DESC, task, topic_place
