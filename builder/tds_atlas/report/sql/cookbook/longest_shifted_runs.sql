-- Which are the longest runs of shifted tokens?
-- part: Where in the answer
-- Within a run, the position minus the place among the shifted tokens is constant.
WITH
    island AS (
        SELECT
            comparison_id,
            response_id,
            prompt_id,
            pos,
            token,
            base_rank,
            pos - row_number() OVER (PARTITION BY comparison_id, response_id ORDER BY pos) AS run
        FROM tds
        WHERE shift = 'shifted'
    )
SELECT
    comparison_id,
    prompt_id,
    min(pos) AS from_pos,
    count(*) AS tokens,
    string_agg(token, '' ORDER BY pos) AS text,
    max(base_rank) AS largest_rank
FROM island
GROUP BY comparison_id, response_id, prompt_id, run
ORDER BY tokens DESC, largest_rank DESC, comparison_id, prompt_id, from_pos
LIMIT 20
