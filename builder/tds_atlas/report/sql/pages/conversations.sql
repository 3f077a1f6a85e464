-- How many prompts are conversations, and how many have several answers from one source.
SELECT
    (SELECT count(DISTINCT prompt_id) FROM turn WHERE number > 1)::INTEGER AS several_turns,
    (SELECT count(DISTINCT prompt_id) FROM turn WHERE speaker IN ('system', 'developer'))::INTEGER AS with_system,
    (SELECT count(*) FROM response_page WHERE answers > 1)::INTEGER AS among_several,
    (
        SELECT count(*) FROM (SELECT count(*) AS prompts FROM prompt_cluster GROUP BY cluster_id) WHERE prompts > 1
    )::INTEGER AS clusters,
    (SELECT count(*) FROM response_page)::INTEGER AS all_answers,
    (SELECT count(*) FROM prompt)::INTEGER AS all_prompts
