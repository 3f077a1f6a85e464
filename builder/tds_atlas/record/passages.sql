-- Passages: windows of an answer, so that one place among thousands of tokens is found.

CREATE MACRO passages(size := 20, step := 5) AS TABLE
SELECT comparison_id, prompt_id, cluster_id, response_id, pos, last_pos, delta_logprob, js
FROM
    (
        SELECT
            comparison_id,
            prompt_id,
            cluster_id,
            response_id,
            pos,
            n_tokens,
            max(pos) OVER ahead AS last_pos,
            avg(delta_logprob::DOUBLE) OVER ahead AS delta_logprob,
            avg(js::DOUBLE) OVER ahead AS js
        FROM tds
        WINDOW
            ahead AS (
                PARTITION BY comparison_id, response_id ORDER BY pos RANGE BETWEEN CURRENT ROW AND size - 1 FOLLOWING
            )
    )
WHERE pos = greatest(n_tokens - size, 0) OR (pos % step = 0 AND pos + size <= n_tokens);
CREATE VIEW passage AS
FROM passages();

-- Of passages that overlap, the one with the highest value; value is a column of passage.
CREATE MACRO passage_peaks(value) AS TABLE
SELECT *, value AS peak
FROM passage
WHERE value IS NOT NULL
WINDOW
    before AS (
        PARTITION BY comparison_id, response_id ORDER BY pos RANGE BETWEEN 19 PRECEDING AND 1 PRECEDING
    ),
    behind AS (
        PARTITION BY comparison_id, response_id ORDER BY pos RANGE BETWEEN 1 FOLLOWING AND 19 FOLLOWING
    )
QUALIFY
    value > coalesce(max(value) OVER before, '-Infinity'::DOUBLE)
    AND value >= coalesce(max(value) OVER behind, '-Infinity'::DOUBLE);
COMMENT ON MACRO TABLE passages IS
    'The view passage for windows of another size and step: FROM passages(size := 50, step := 10).';
COMMENT ON MACRO TABLE passage_peaks IS
    'Rows of passage that are higher in a column than those they overlap: FROM passage_peaks(js).';
