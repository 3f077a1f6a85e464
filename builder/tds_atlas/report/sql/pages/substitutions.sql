-- What the base would say and what the aligned model says at the first shifted token of a word: the ten most frequent
-- pairs of each comparison, their lift, whether it is beyond chance, and up to three places with the words around them.
-- Beyond chance: more of the prompts in which the base says its token have the pair than would if the answer's token
-- did not depend on it, by an exact binomial test with a false discovery rate of 5 % over all pairs of the comparison.
WITH
    place AS (
        SELECT
            w.comparison_id,
            w.prompt_id,
            w.cluster_id,
            w.response_id,
            w.shifted_pos AS pos,
            w.n_tokens,
            w.char_start,
            w.char_end,
            w.word,
            t.base_top AS base,
            t.token AS aligned
        FROM word w
        JOIN tds t ON t.comparison_id = w.comparison_id AND t.response_id = w.response_id AND t.pos = w.shifted_pos
        WHERE w.shift = 'shifted' AND t.base_top IS NOT NULL AND t.token IS NOT NULL
    ),
    counted AS (
        SELECT
            *,
            count(*) OVER (PARTITION BY comparison_id) AS all_places,
            count(*) OVER (PARTITION BY comparison_id, base) AS base_n,
            count(*) OVER (PARTITION BY comparison_id, aligned) AS aligned_n
        FROM place
    ),
    every_pair AS (
        SELECT
            comparison_id,
            base,
            aligned,
            count(*) AS places,
            count(DISTINCT cluster_id) AS prompts,
            base_n AS base_places,
            aligned_n AS aligned_places,
            all_places,
            count(*) * all_places::DOUBLE / (base_n * aligned_n) AS lift,
            mode(word ORDER BY word) AS word,
            max(n_tokens) > 1 AS is_part
        FROM counted
        GROUP BY comparison_id, base, aligned, base_n, aligned_n, all_places
    ),
    said AS (SELECT comparison_id, base, cluster_id, response_id, count(*) AS times FROM place GROUP BY ALL),
    tries AS (
        -- In how many prompts the base says its token so many times; an answer given twice to a prompt counts once.
        SELECT comparison_id, base, times, count(*) AS prompts
        FROM
            (
                SELECT comparison_id, base, cluster_id, sum(times)::BIGINT AS times
                FROM
                    (
                        SELECT DISTINCT comparison_id, base, cluster_id, hash(text), times
                        FROM said
                        JOIN response USING (response_id)
                    )
                GROUP BY ALL
            )
        GROUP BY ALL
    ),
    expected AS (
        SELECT
            comparison_id,
            base,
            aligned,
            sum(t.prompts) AS base_prompts,
            sum(t.prompts * (1 - power(1 - aligned_places / all_places, times))) / base_prompts AS chance
        FROM every_pair
        JOIN tries t USING (comparison_id, base)
        GROUP BY comparison_id, base, aligned
    ),
    tested AS (
        SELECT e.*, at_least_p(e.prompts, base_prompts, chance) AS p
        FROM every_pair e
        JOIN expected USING (comparison_id, base, aligned)
    ),
    controlled AS (SELECT *, q <= 0.05 AS stands_out FROM discoveries('tested', comparison_id)),
    pair AS (
        SELECT * EXCLUDE (q), count(*) FILTER (stands_out) OVER (PARTITION BY comparison_id) AS standing_out
        FROM controlled
        QUALIFY row_number() OVER (PARTITION BY comparison_id ORDER BY places DESC, lift DESC, base, aligned) <= 10
    ),
    chosen AS (
        FROM place
        SEMI JOIN pair USING (comparison_id, base, aligned)
        QUALIFY row_number() OVER (PARTITION BY comparison_id, base, aligned, cluster_id ORDER BY pos, prompt_id) = 1
    ),
    around AS (
        SELECT
            comparison_id,
            base,
            aligned,
            q.ordinal,
            page,
            chosen.pos,
            chosen.prompt_id,
            regexp_replace(
                substring(r.text, greatest(1, char_start - 27), least(28, char_start)),
                CASE WHEN char_start > 28 THEN '^\S*\s+' ELSE '^$' END,
                ''
            ) AS before,
            substring(r.text, char_start + 1, char_end - char_start) AS said,
            regexp_replace(
                substring(r.text, char_end + 1, 18),
                CASE WHEN length(r.text) > char_end + 18 THEN '\s+\S*$' ELSE '^$' END,
                ''
            ) AS after
        FROM chosen
        JOIN prompt q USING (prompt_id)
        JOIN response r USING (response_id)
        JOIN response_page USING (response_id)
    ),
    varied AS (
        -- Places with different preceding words come first, then the order of the report.
        SELECT *, row_number() OVER (PARTITION BY comparison_id, base, aligned, before ORDER BY ordinal) AS again
        FROM around
    ),
    shown AS (
        SELECT
            comparison_id,
            base,
            aligned,
            list(
                {'ordinal': ordinal, 'page': page, 'pos': pos, 'before': before, 'said': said, 'after': after}
                ORDER BY again, ordinal
            )[1:3] AS examples
        FROM varied
        GROUP BY ALL
    )
SELECT label, pair.*, examples
FROM pair
JOIN shown USING (comparison_id, base, aligned)
JOIN comparison c USING (comparison_id)
ORDER BY c.ordinal, places DESC, lift DESC, base, aligned
