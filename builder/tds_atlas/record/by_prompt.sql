-- One row per prompt, the input of intervals clustered by prompt: tags, shifted tokens, every measure.

CREATE VIEW prompt_tag AS
SELECT DISTINCT prompt_id, 'task' AS kind, tag
FROM prompt
CROSS JOIN LATERAL unnest(tasks) AS tags(tag)
UNION ALL
SELECT DISTINCT prompt_id, 'topic', tag
FROM prompt
CROSS JOIN LATERAL unnest(topics) AS tags(tag)
UNION ALL
SELECT prompt_id, 'set', "set"
FROM prompt
WHERE (SELECT count(DISTINCT "set") FROM prompt) > 1;

CREATE VIEW prompt_shift AS
SELECT
    comparison_id,
    prompt_id,
    cluster_id,
    count(*) AS n,
    count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
    min(pos) FILTER (shift = 'shifted') AS first_pos
FROM tds
GROUP BY ALL;

CREATE VIEW prompt_excess AS
WITH
    shared AS (
        SELECT
            comparison_id,
            prompt_id,
            cluster_id,
            n,
            x,
            sum(x) OVER c / sum(n) OVER c AS share,
            count(DISTINCT cluster_id) OVER c AS prompts,
            count(DISTINCT cluster_id) FILTER (x > 0) OVER c AS touched
        FROM prompt_shift
        WINDOW c AS (PARTITION BY comparison_id)
    ),
    beyond AS (
        SELECT
            *, x - share * n AS excess, sum(x - share * n) OVER (PARTITION BY comparison_id, cluster_id) AS of_cluster
        FROM shared
    ),
    powers AS (
        SELECT
            *,
            sum(excess * of_cluster) OVER c / prompts AS square,
            sum(excess * of_cluster * of_cluster) OVER c / prompts AS third
        FROM beyond
        WINDOW c AS (PARTITION BY comparison_id)
    )
SELECT
    comparison_id,
    prompt_id,
    cluster_id,
    n,
    x,
    excess,
    of_cluster > sqrt(square) AS is_far,
    {
        'prompts': prompts,
        'share': share,
        'touched': touched,
        'far': count(DISTINCT cluster_id) FILTER (of_cluster > sqrt(square)) OVER (PARTITION BY comparison_id),
        'square': square,
        'third': third
    } AS whole
FROM powers;

-- Groups of prompts against their whole comparison: a group's excess over the overall share, against as many prompts
-- drawn at random.
CREATE MACRO shift_of_groups(members) AS TABLE
WITH
    per_prompt AS (
        SELECT
            comparison_id, part, cluster_id, is_far, whole, sum(n) AS n, sum(x) AS x, sum(excess) AS excess
        FROM query_table(members)
        JOIN prompt_excess USING (prompt_id)
        GROUP BY ALL
    ),
    summed AS (
        SELECT
            comparison_id,
            part,
            whole,
            count(*) AS prompts,
            count(*) FILTER (is_far) AS far,
            sum(n)::BIGINT AS positions,
            clustered_mean(x, n) AS share,
            share_bounds(x, n) AS bounds,
            sum(excess) AS excess
        FROM per_prompt
        GROUP BY comparison_id, part, whole
    )
SELECT
    comparison_id,
    part,
    prompts,
    positions,
    share,
    bounds.low AS low_share,
    bounds.high AS high_share,
    whole.share AS overall_share,
    drawn_p(excess, far, prompts, whole) AS p
FROM summed;
COMMENT ON MACRO TABLE shift_of_groups IS
    'A table of prompts by name, prompt_id and the part that each belongs to: the shifted share of each part in each '
    'comparison with its 95 % interval, and its p against as many prompts drawn at random: FROM '
    'shift_of_groups(''members'').';

-- Tags of one kind against their whole comparison. Benjamini-Hochberg over the tags of a comparison.
CREATE MACRO shift_by_tag(wanted) AS TABLE
WITH
    members AS (SELECT prompt_id, tag AS part FROM prompt_tag WHERE kind = wanted),
    tested AS (FROM shift_of_groups('members'))
SELECT
    label AS comparison,
    part AS tag,
    share,
    low_share,
    high_share,
    overall_share,
    q <= 0.05 AS stands_out,
    round(p, 6) AS p,
    prompts,
    positions / prompts AS tokens_per_prompt,
    max(share) OVER (PARTITION BY part) AS highest
FROM discoveries('tested', comparison_id)
JOIN comparison USING (comparison_id)
ORDER BY highest DESC, tag, ordinal;
COMMENT ON MACRO TABLE shift_by_tag IS
    'Shifted share by tag of a kind (task, topic, set) with its 95 % interval, and whether it differs from the whole: '
    'FROM shift_by_tag(''task'').';

-- Each word of at least 10 prompts against its whole comparison: an exact binomial test, with fewer places where the
-- words of a prompt are alike. Benjamini-Hochberg over the words of a comparison.
CREATE MACRO shift_by_word() AS TABLE
WITH
    per_prompt AS (
        SELECT comparison_id, word, cluster_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM word
        WHERE word <> ''
        GROUP BY ALL
    ),
    answers AS (SELECT comparison_id, cluster_id, count(DISTINCT response_id) AS answers FROM word GROUP BY ALL),
    -- In the test, answers to the same prompt's text count as their mean.
    whole AS (
        SELECT comparison_id, cluster_id, sum(n) / any_value(answers) AS n, sum(x) / any_value(answers) AS x
        FROM per_prompt
        JOIN answers USING (comparison_id, cluster_id)
        GROUP BY ALL
    ),
    overall AS (SELECT comparison_id, sum(x) / sum(n) AS share FROM whole GROUP BY ALL),
    alike AS (
        -- How alike two words of one prompt are, over all words: the correlation of their shifts.
        SELECT
            comparison_id,
            share,
            CASE
                WHEN share > 0 AND share < 1 AND sum(n * (n - 1)) > 0
                THEN
                    kept_within(
                        (sum(power(x - share * n, 2)) / (share * (1 - share)) - sum(n)) / sum(n * (n - 1)), 0, 1
                    )
                ELSE 0
            END AS correlation
        FROM whole
        JOIN overall USING (comparison_id)
        GROUP BY comparison_id, share
    ),
    counts AS (
        SELECT
            comparison_id,
            word,
            count(*) AS prompts,
            sum(n)::BIGINT AS places,
            sum(x) AS shifted,
            share AS overall,
            clustered_mean(x, n) AS ratio,
            share_bounds(x, n) AS bounds,
            -- So many of its places tell as much as one, because a prompt's are alike.
            sum(n / answers) AS tested_places,
            sum(x / answers) AS tested_shifted,
            sum(n / answers * (1 + greatest(0, n / answers - 1) * correlation)) / tested_places AS weight
        FROM per_prompt
        JOIN answers USING (comparison_id, cluster_id)
        JOIN alike USING (comparison_id)
        GROUP BY comparison_id, word, share
        HAVING count(*) >= 10
    ),
    tested AS (SELECT *, binomial_p(tested_shifted / weight, tested_places / weight, overall) AS p FROM counts)
SELECT *, q <= 0.05 AS stands_out
FROM discoveries('tested', comparison_id);
COMMENT ON MACRO TABLE shift_by_word IS
    'Shifted share of each word in at least 10 prompts with its 95 % interval, and whether it differs from all words '
    'of its comparison: FROM shift_by_word().';

CREATE VIEW prompt_measure AS
WITH
    answers AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (pos = 0)::DOUBLE AS answers,
            count(*)::DOUBLE AS n,
            count(delta_logprob)::DOUBLE AS with_delta,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS unshifted,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS marginal,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS shifted,
            sum(finite(kl_aligned_base)::DOUBLE) AS kl,
            count(finite(kl_aligned_base))::DOUBLE AS with_kl,
            sum(finite(kl_base_aligned)::DOUBLE) AS kl_back,
            count(finite(kl_base_aligned))::DOUBLE AS with_kl_back,
            sum(js::DOUBLE) AS js,
            count(js)::DOUBLE AS with_js,
            coalesce(sum(delta_logprob::DOUBLE), 0) AS delta
        FROM tds
        GROUP BY ALL
    )
SELECT
    comparison_id,
    cluster_id,
    unnest(
        [
            {'place': 1, 'measure': 'unshifted', 'unit': 'share', 'x': unshifted, 'n': n, 'most': 1::DOUBLE},
            {'place': 2, 'measure': 'marginal', 'unit': 'share', 'x': marginal, 'n': n, 'most': 1::DOUBLE},
            {'place': 3, 'measure': 'shifted', 'unit': 'share', 'x': shifted, 'n': n, 'most': 1::DOUBLE},
            {'place': 4, 'measure': 'KL(aligned‖base)', 'unit': 'nats', 'x': kl, 'n': with_kl, 'most': NULL},
            {'place': 5, 'measure': 'KL(base‖aligned)', 'unit': 'nats', 'x': kl_back, 'n': with_kl_back, 'most': NULL},
            {'place': 6, 'measure': 'JS', 'unit': 'nats', 'x': js, 'n': with_js, 'most': NULL},
            {'place': 7, 'measure': 'Δ log p', 'unit': 'nats', 'x': delta, 'n': with_delta, 'most': NULL},
            {'place': 9, 'measure': 'answer length', 'unit': 'tokens', 'x': n, 'n': answers, 'most': NULL}
        ],
        recursive := true
    )
FROM answers
UNION ALL
SELECT
    comparison_id,
    cluster_id,
    8,
    'same as the base for',
    'tokens',
    sum(agreed),
    count(*)::DOUBLE,
    any_value(horizon)::DOUBLE
FROM parting
GROUP BY comparison_id, cluster_id;

-- Each later comparison less the first, over the prompts that both have, paired by prompt.
CREATE MACRO differences_from_first() AS TABLE
WITH
    first AS (
        SELECT comparison_id AS first_id, label AS first_label
        FROM comparison
        WHERE kind = 'tuning'
        ORDER BY ordinal
        LIMIT 1
    ),
    pairs AS (
        SELECT l.comparison_id, first_label, l.place, l.measure, l.unit, l.x, l.n, f.x AS fx, f.n AS fn
        FROM prompt_measure l
        CROSS JOIN first
        JOIN prompt_measure f ON f.comparison_id = first_id AND f.cluster_id = l.cluster_id AND f.place = l.place
        WHERE l.comparison_id <> first_id AND l.x IS NOT NULL AND f.x IS NOT NULL
    ),
    totals AS (
        SELECT
            comparison_id,
            place,
            sum(x) / sum(n) AS mean,
            sum(n) AS size,
            sum(fx) / sum(fn) AS first_mean,
            sum(fn) AS first_size
        FROM pairs
        GROUP BY ALL
        HAVING count(*) > 1 AND sum(n) > 0 AND sum(fn) > 0
    ),
    differences AS (
        SELECT
            comparison_id,
            first_label,
            place,
            measure,
            unit,
            round(mean - first_mean, 10) + 0 AS difference,
            count(*) AS prompts,
            round(clustered_error((x - mean * n) / size - (fx - first_mean * fn) / first_size), 10) AS error
        FROM pairs
        JOIN totals USING (comparison_id, place)
        GROUP BY comparison_id, first_label, place, measure, unit, mean, first_mean
    ),
    tested AS (
        -- Where all prompts differ by the same there is no error: the p is that of their signs.
        SELECT *, margin_p(difference, t95(prompts - 1) * error, prompts - 1) AS p
        FROM differences
    )
FROM discoveries('tested', true);
COMMENT ON MACRO TABLE differences_from_first IS
    'Every measure of each later comparison less that of the first, over the prompts that both have, with its standard '
    'error paired by prompt, its p, and q, the false discovery rate over all of them: FROM differences_from_first().';
