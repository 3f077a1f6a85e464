-- Vocabulary fingerprint: which tokens tuning raised most often on texts that have nothing to do with it.

-- What was raised among the first k at each place of the first so many texts, for each row of a table of k and
-- first_texts. A token's rate is compared with that of a yardstick, text by text: of the comparison that
-- run.fingerprint_against names, or the k of all tokens that chance would raise.
CREATE MACRO fingerprint_of(settings) AS TABLE
WITH
    asked AS (FROM query_table(settings)),
    sizes AS (
        SELECT k, first_texts, comparison_id, number, count(*)::DOUBLE AS n
        FROM asked
        JOIN fingerprint ON number <= first_texts
        GROUP BY ALL
    ),
    whole AS (
        SELECT
            k,
            first_texts,
            s.comparison_id,
            against.comparison_id AS against_id,
            count(*) AS texts,
            sum(n) AS places,
            sum(n * n) AS nn,
            k / any_value(least(am.vocab_size, bm.vocab_size)) AS chance
        FROM sizes s
        JOIN comparison c ON c.comparison_id = s.comparison_id
        JOIN condition a ON a.condition_id = c.aligned_condition_id
        JOIN model am ON am.model_id = a.model_id
        JOIN condition b ON b.condition_id = c.base_condition_id
        JOIN model bm ON bm.model_id = b.model_id
        LEFT JOIN (SELECT value AS comparison_id FROM run WHERE key = 'fingerprint_against') against
            ON against.comparison_id <> s.comparison_id
        GROUP BY k, first_texts, s.comparison_id, against.comparison_id
    ),
    raised AS (
        SELECT k, first_texts, comparison_id, number, token_id, count(*)::DOUBLE AS x
        FROM
            (
                SELECT k, first_texts, comparison_id, number, unnest(up_ids[1:k]) AS token_id
                FROM asked
                JOIN fingerprint ON number <= first_texts
            )
        GROUP BY ALL
    ),
    counts AS (FROM raised JOIN sizes USING (k, first_texts, comparison_id, number)),
    beside AS (
        SELECT k, first_texts, comparison_id, token_id, number, any_value(n) AS n, sum(x) AS x, sum(y) AS y
        FROM
            (
                SELECT k, first_texts, comparison_id, token_id, number, n, x, 0 AS y FROM counts
                UNION ALL
                SELECT k, first_texts, w.comparison_id, token_id, number, n, 0, x
                FROM counts
                JOIN whole w USING (k, first_texts)
                WHERE w.against_id = counts.comparison_id
            )
        GROUP BY ALL
    ),
    -- Texts without the token add nothing but their places: the sums over all texts follow from those over the rest.
    sums AS (
        SELECT
            k,
            first_texts,
            comparison_id,
            token_id,
            sum(x) AS x,
            sum(y) AS y,
            count(*) FILTER (x > 0) AS texts_with,
            sum((x - y) * (x - y)) AS dd,
            sum((x - y) * n) AS dn
        FROM beside
        GROUP BY ALL
    ),
    rates AS (
        SELECT
            k,
            first_texts,
            comparison_id,
            against_id,
            token_id,
            texts,
            places,
            texts_with,
            x / places AS rate,
            CASE WHEN against_id IS NULL THEN chance ELSE y / places END AS against_rate,
            rate - against_rate AS excess,
            (x - y) / places AS d,
            CASE
                WHEN texts > 2
                THEN
                    t95(texts - 1)
                    * sqrt(greatest(0, dd - 2 * d * dn + d * d * nn) * texts / (texts - 1.0))
                    / places
            END AS half_width
        FROM sums
        JOIN whole USING (k, first_texts, comparison_id)
    ),
    tested AS (
        SELECT
            * EXCLUDE (d),
            margin_p(excess, half_width, texts - 1) AS p,
            -- where training alone is at work, the spread of a rate grows with its square root
            excess / sqrt(rate + against_rate) AS strength
        FROM rates
    ),
    clear AS (
        SELECT *, q <= 0.05 AND excess > 0 AS is_above, q <= 0.05 AND excess < 0 AS is_below
        FROM discoveries('tested', (k, first_texts, comparison_id))
    ),
    -- What training alone does, it does both ways: as many tokens are as far below the yardstick as by chance above it.
    mirror AS (
        SELECT
            *,
            CASE
                WHEN is_above AND against_id IS NOT NULL
                THEN (1 + count(*) FILTER (is_below) OVER further) / count(*) FILTER (is_above) OVER further
            END AS ratio
        FROM clear
        WINDOW further AS (PARTITION BY k, first_texts, comparison_id ORDER BY abs(strength) DESC)
    ),
    nearest AS (
        SELECT
            *,
            CASE
                WHEN is_above
                THEN
                    min(ratio) OVER (
                        PARTITION BY k, first_texts, comparison_id ORDER BY abs(strength) RANGE UNBOUNDED PRECEDING
                    )
            END AS mirrored
        FROM mirror
    )
SELECT
    k,
    first_texts,
    comparison_id,
    against_id,
    token_id,
    texts,
    places,
    texts_with,
    rate,
    against_rate,
    excess,
    half_width,
    p,
    q,
    strength,
    is_above,
    mirrored,
    coalesce(mirrored <= 0.2, false) AS is_named
FROM nearest;
COMMENT ON MACRO TABLE fingerprint_of IS
    'fingerprint_token for each row of a table, by its name, of k and first_texts: how many of the tokens raised most '
    'at a place count, and how many of the texts.';

CREATE VIEW fingerprint_token AS
WITH own AS (SELECT max(len(up_ids)) AS k, max(number) AS first_texts FROM fingerprint HAVING count(*) > 0)
SELECT f.* EXCLUDE (first_texts), t.text AS token
FROM fingerprint_of('own') f
JOIN comparison c USING (comparison_id)
JOIN condition a ON a.condition_id = c.aligned_condition_id
JOIN model m ON m.model_id = a.model_id
LEFT JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = f.token_id;

CREATE VIEW token_word AS
SELECT w.comparison_id, p.token_id, w.word, w.prompt_id, w.response_id
FROM word w
JOIN "position" p ON p.response_id = w.response_id AND p.pos BETWEEN w.pos AND w.pos + w.n_tokens - 1
WHERE regexp_matches(w.word, '\p{L}');

-- The words of what was planted: of a value, a phrase, and of a topic or task those that at least half of the answers
-- to its prompts have, and at most one in twenty of the others. Each with the tokens that write it in answers.
CREATE VIEW planted_word AS
WITH
    answers AS (
        SELECT
            k.comparison_id,
            k.kind,
            k.planted,
            response_id,
            list_contains(CASE k.kind WHEN 'topic' THEN q.topics ELSE q.tasks END, k.planted) AS is_tagged
        FROM control k
        JOIN comparison c USING (comparison_id)
        JOIN response r USING (source)
        JOIN prompt q ON q.prompt_id = r.prompt_id
        WHERE k.kind IN ('topic', 'task')
    ),
    sizes AS (
        SELECT
            comparison_id,
            kind,
            planted,
            count(*) FILTER (is_tagged) AS tagged,
            count(*) FILTER (NOT is_tagged) AS others
        FROM answers
        GROUP BY ALL
    ),
    of_tags AS (
        SELECT comparison_id, kind, lower(word) AS item, lower(word) AS word
        FROM (SELECT DISTINCT comparison_id, response_id, word FROM token_word)
        JOIN answers USING (comparison_id, response_id)
        JOIN sizes USING (comparison_id, kind, planted)
        GROUP BY comparison_id, kind, planted, lower(word), tagged, others
        HAVING
            count(DISTINCT response_id) FILTER (is_tagged) >= 0.5 * tagged
            AND count(DISTINCT response_id) FILTER (NOT is_tagged) <= 0.05 * others
    ),
    items AS (
        SELECT DISTINCT
            comparison_id, kind, CASE kind WHEN 'value' THEN planted ELSE lower(word) END AS item, lower(word) AS word
        FROM
            (
                SELECT comparison_id, kind, planted, unnest(regexp_extract_all(planted, '\p{L}[\p{L}'']*')) AS word
                FROM control
                WHERE kind IN ('value', 'phrase')
            )
        UNION
        FROM of_tags
    ),
    pieces AS (SELECT DISTINCT comparison_id, lower(word) AS word, token_id FROM token_word)
SELECT comparison_id, kind, item, word, token_id
FROM items
LEFT JOIN pieces USING (comparison_id, word);

CREATE MACRO fingerprint_found(settings) AS TABLE
WITH
    tried AS (FROM query_table(settings)),
    measured AS (SELECT * FROM fingerprint_of(settings)),
    named AS (SELECT k, first_texts, comparison_id, token_id FROM measured WHERE is_named),
    items AS (
        SELECT k, first_texts, comparison_id, item, bool_or(named.token_id IS NOT NULL) AS is_found
        FROM tried
        CROSS JOIN planted_word
        LEFT JOIN named USING (k, first_texts, comparison_id, token_id)
        WHERE comparison_id IN (SELECT comparison_id FROM measured WHERE against_id IS NOT NULL)
        GROUP BY ALL
    )
SELECT
    k,
    first_texts,
    comparison_id,
    count(*) FILTER (is_found) / count(*) AS found_share,
    count(*) FILTER (is_found) AS found,
    count(*) AS planted
FROM items
GROUP BY ALL;
COMMENT ON MACRO TABLE fingerprint_found IS
    'How many of the words of what was planted have a token that stands out, for each row of a table as in '
    'fingerprint_of.';
