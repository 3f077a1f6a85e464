-- What the first stage of each chain added to the answer's log-probability per token, less what the second did: paired
-- by prompt, with its 95 % half width, and its false discovery rate over the chains.
WITH
    per_prompt AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (place = 1) AS n,
            sum(CASE place WHEN 1 THEN delta ELSE - delta END) AS x
        FROM stage_step
        JOIN places() USING (response_id, pos)
        JOIN prompt_cluster USING (prompt_id)
        WHERE has_both
        GROUP BY ALL
    ),
    found AS (
        SELECT
            ordinal,
            label AS chain,
            count(*) AS prompts,
            round(clustered_mean(x, n), 9) AS difference,
            round(clustered_half_width(x, n), 9) AS half_width
        FROM per_prompt
        JOIN comparison USING (comparison_id)
        GROUP BY ordinal, label
    ),
    tested AS (SELECT *, margin_p(difference, half_width, prompts - 1) AS p FROM found)
SELECT chain, difference, half_width, q
FROM discoveries('tested', true)
ORDER BY ordinal
