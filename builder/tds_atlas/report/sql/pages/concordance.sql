-- Lines of context for each word of a comparison: a limited number per class, taken evenly over the prompts.
WITH
    placed AS (
        SELECT
            w.response_id,
            w.word,
            w.shift,
            w.shifted_pos,
            w.base_rank,
            w.base_top,
            q.ordinal,
            page,
            w.pos,
            w.char_start,
            row_number() OVER kind AS i,
            count(*) OVER (PARTITION BY w.word, w.shift) AS n,
            CASE WHEN w.shift = 'shifted' THEN 200 ELSE 20 END AS most
        FROM word w
        JOIN prompt q ON q.prompt_id = w.prompt_id
        JOIN response_page ON response_page.response_id = w.response_id
        WHERE w.comparison_id = $comparison_id AND w.word <> ''
        WINDOW kind AS (PARTITION BY w.word, w.shift ORDER BY q.ordinal, w.response_id, w.pos)
    ),
    cut AS (
        -- The texts come last: carried through the windows they would fill the memory.
        SELECT
            placed.*,
            text,
            char_start
            + length(substring(text, char_start + 1))
            - length(ltrim(substring(text, char_start + 1), ' ')) AS start
        FROM placed
        JOIN response USING (response_id)
        WHERE n <= most OR i * most // n > (i - 1) * most // n
    )
SELECT
    word,
    page,
    shifted_pos,
    shift,
    base_rank,
    base_top,
    substring(text, greatest(1, start - 55), least(56, start)) AS before,
    substring(text, (start + length(word) + 1)::BIGINT, 56) AS after
FROM cut
ORDER BY word, shift <> 'shifted', shift, ordinal, pos
