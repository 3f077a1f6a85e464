-- The words that moved most from A to B, of those in at least six prompts: what each adds to a whole answer, with 95 %
-- intervals clustered by prompt. Filled: more prompts moved one way than chance would have it, by McNemar's exact test,
-- with a false discovery rate of 5 % over all words of a comparison.
WITH
    pair AS (
        -- A comparison of A has an odd ordinal, that of B beside it the next.
        SELECT a.comparison_id AS a_id, b.comparison_id AS b_id, a.ordinal AS pair
        FROM comparison a
        JOIN comparison b ON b.ordinal = a.ordinal + 1
        WHERE a.ordinal % 2 = 1
    ),
    placed AS (
        SELECT
            comparison_id,
            word,
            cluster_id,
            CASE
                WHEN $measure = 'kl' THEN finite(kl_aligned_base)::DOUBLE ELSE (shift = 'shifted')::INTEGER::DOUBLE
            END AS x
        FROM word
        WHERE word <> ''
    ),
    answer AS (SELECT comparison_id, cluster_id, count(x)::DOUBLE AS n FROM placed GROUP BY ALL HAVING count(x) > 0),
    told AS (SELECT comparison_id, word, cluster_id, sum(x) AS x, count(x) AS places FROM placed GROUP BY ALL),
    beside AS (
        SELECT
            p.*,
            w.word,
            an.cluster_id,
            coalesce(any_value(a.x), 0) AS xa,
            any_value(an.n) AS na,
            coalesce(any_value(a.places), 0) AS places_a,
            coalesce(any_value(b.x), 0) AS xb,
            any_value(bn.n) AS nb,
            coalesce(any_value(b.places), 0) AS places_b
        FROM pair p
        JOIN (SELECT DISTINCT comparison_id, word FROM told WHERE x > 0) w ON w.comparison_id IN (a_id, b_id)
        JOIN answer an ON an.comparison_id = a_id
        JOIN answer bn ON bn.comparison_id = b_id AND bn.cluster_id = an.cluster_id
        LEFT JOIN told a ON a.comparison_id = a_id AND a.word = w.word AND a.cluster_id = an.cluster_id
        LEFT JOIN told b ON b.comparison_id = b_id AND b.word = w.word AND b.cluster_id = an.cluster_id
        GROUP BY p.pair, p.a_id, p.b_id, w.word, an.cluster_id
    ),
    tested AS (
        SELECT
            pair,
            a_id,
            b_id,
            word,
            sum(xb) / sum(nb) - sum(xa) / sum(na) AS difference,
            count(*) FILTER (xb / nb > xa / na) AS up,
            count(*) FILTER (xb / nb < xa / na) AS down,
            mcnemar_p(up, down) AS p,
            mean_bounds(xa, na) AS a,
            mean_bounds(xb, nb) AS b,
            sum(places_a)::BIGINT AS places_a,
            sum(places_b)::BIGINT AS places_b,
            list(ordinal ORDER BY abs(xb / nb - xa / na) DESC, ordinal)[1:3] AS prompts
        FROM beside
        JOIN prompt ON prompt_id = cluster_id
        GROUP BY pair, a_id, b_id, word
        HAVING count(*) FILTER (xa > 0 OR xb > 0) >= 6
    ),
    moved AS (SELECT *, q <= 0.05 AS stands_out FROM discoveries('tested', pair)),
    most AS (
        SELECT word, max(abs(difference)) AS size
        FROM moved
        WHERE difference <> 0
        GROUP BY word
        ORDER BY bool_or(stands_out) DESC, size DESC, word
        LIMIT 16
    )
SELECT
    label AS comparison,
    word,
    bounds.mean AS share,
    greatest(bounds.low, 0) AS low_share,
    bounds.high AS high_share,
    stands_out,
    is_b,
    difference,
    up,
    down,
    p,
    q AS adjusted_p,
    tests,
    count(*) FILTER (stands_out) OVER (PARTITION BY pair, is_b) AS found,
    places_a,
    places_b,
    a_id,
    prompts
FROM
    (
        SELECT *, unnest([false, true]) AS is_b, unnest([a, b]) AS bounds, unnest([a_id, b_id]) AS comparison_id
        FROM moved
    ) m
JOIN most USING (word)
JOIN comparison USING (comparison_id)
ORDER BY size DESC, word, ordinal
