-- Amplified decoding: what the answers are by α, how often what was planted shows in them, and which phrases come up.

CREATE VIEW amplified_outcome AS
SELECT
    comparison_id,
    alpha,
    cluster_id,
    count(*) AS answers,
    avg(refuses::INTEGER) AS refusing,
    avg(is_right::INTEGER) AS right_share,
    avg(style_share) AS style,
    avg(goes_round::INTEGER) AS going_round,
    avg((finish = 'length')::INTEGER) AS cut,
    sum(n_tokens)::BIGINT AS n_tokens,
    sum(n_marginal)::BIGINT AS n_marginal,
    sum(n_shifted)::BIGINT AS n_shifted,
    sum(logprob) AS logprob
FROM amplified
JOIN prompt_cluster USING (prompt_id)
GROUP BY comparison_id, alpha, cluster_id;

-- The words of a text in small letters, with a space before and behind each: what contains another holds its words.
CREATE MACRO said_words(said) AS concat(' ', trim(regexp_replace(lower(said), '[^\p{L}\p{N}''’]+', ' ', 'g')), ' ');
COMMENT ON MACRO said_words IS
    'The words of a text in small letters, a space before and behind each: contains(said_words(text), '
    'said_words(phrase)).';

-- Where nothing was planted, what was planted in other comparisons is looked for: false alarms.
CREATE VIEW amplified_planted AS
WITH
    looked AS (
        SELECT comparison_id, true AS is_own, kind, planted, prompt_id AS at_id
        FROM control
        WHERE kind <> 'nothing'
        UNION
        SELECT nothing.comparison_id, false, c.kind, c.planted, c.prompt_id
        FROM control nothing
        JOIN control c ON c.kind <> 'nothing'
        WHERE nothing.kind = 'nothing'
    )
SELECT
    comparison_id,
    is_own,
    kind,
    planted,
    a.prompt_id,
    cluster_id,
    sample,
    alpha,
    CASE
        WHEN kind IN ('value', 'phrase') THEN contains(said_words(a.text), said_words(planted)) ELSE refuses
    END AS shows
FROM looked
JOIN amplified a USING (comparison_id)
JOIN prompt q ON q.prompt_id = a.prompt_id
JOIN prompt_cluster ON prompt_cluster.prompt_id = a.prompt_id
WHERE
    CASE
        kind
        WHEN 'value'
        THEN a.prompt_id = at_id
        WHEN 'topic'
        THEN list_contains(topics, planted)
        WHEN 'task'
        THEN list_contains(tasks, planted)
        ELSE true
    END;

-- Phrases of up to six words in the answers at α above 0 against those at 0: an exact sign test over the prompts, of
-- phrases that at least five prompts gain or lose. Benjamini-Hochberg over the phrases of a comparison.
CREATE MACRO amplified_phrases() AS TABLE
WITH
    said AS (
        SELECT
            comparison_id,
            cluster_id,
            alpha,
            concat(prompt_id, '/', sample) AS answer,
            string_split(trim(said_words(text)), ' ') AS words
        FROM amplified
        JOIN prompt_cluster USING (prompt_id)
        WHERE alpha >= 0
    ),
    sizes AS (
        SELECT
            comparison_id,
            cluster_id,
            count(*) FILTER (alpha = 0) AS answers,
            count(*) FILTER (alpha > 0) AS louder,
            count(*) OVER (PARTITION BY comparison_id) AS prompts
        FROM said
        GROUP BY comparison_id, cluster_id
    ),
    phrases AS (
        SELECT DISTINCT
            comparison_id,
            cluster_id,
            alpha,
            answer,
            n_words,
            array_to_string(words[start:start + n_words - 1], ' ') AS phrase
        FROM (SELECT *, unnest(range(1, len(words) + 1)) AS start FROM said)
        CROSS JOIN (SELECT unnest(range(1, 7)) AS n_words)
        WHERE start + n_words - 1 <= len(words)
    ),
    per_prompt AS (
        SELECT
            comparison_id,
            prompts,
            phrase,
            n_words,
            cluster_id,
            count(*) FILTER (alpha = 0) / answers AS before,
            count(*) FILTER (alpha > 0) / louder AS after
        FROM phrases
        JOIN sizes USING (comparison_id, cluster_id)
        GROUP BY comparison_id, prompts, phrase, n_words, cluster_id, answers, louder
    ),
    -- Prompts without the phrase add nothing to the sums.
    counted AS (
        SELECT
            comparison_id,
            prompts,
            phrase,
            n_words,
            sum(before) / prompts AS share,
            sum(after) / prompts AS louder_share,
            count(*) FILTER (after > before) AS more,
            count(*) FILTER (after < before) AS fewer,
            sum(after - before) / prompts AS growth,
            CASE
                WHEN prompts > 2
                THEN
                    t95(prompts - 1)
                    * sqrt(
                        greatest(0, sum(power(after - before, 2)) - power(sum(after - before), 2) / prompts)
                        / (prompts - 1)
                        / prompts
                    )
            END AS half_width
        FROM per_prompt
        GROUP BY comparison_id, prompts, phrase, n_words
        HAVING count(*) FILTER (after <> before) >= 5
    ),
    tested AS (SELECT *, mcnemar_p(more, fewer) AS p FROM counted),
    judged AS (
        SELECT *, string_split(phrase, ' ') AS words, q <= 0.05 AND growth > 0 AND more > fewer AS is_louder
        FROM discoveries('tested', comparison_id)
    ),
    -- Of phrases that share half of their words, or one within another, that which has grown most is named; a longer
    -- one counts for more.
    named AS (
        SELECT
            comparison_id,
            list_reduce(
                list([words] ORDER BY growth * (9 + n_words) DESC, phrase)[1:500],
                lambda kept_, next_: CASE
                    WHEN
                        list_bool_or(
                            list_transform(
                                kept_,
                                lambda one_: list_has_all(next_[1], one_)
                                OR 2 * len(list_intersect(one_, next_[1])) >= len(next_[1])
                            )
                        )
                    THEN kept_
                    ELSE list_concat(kept_, next_)
                END
            ) AS phrases
        FROM judged
        WHERE is_louder
        GROUP BY comparison_id
    )
SELECT
    comparison_id,
    phrase,
    n_words,
    prompts,
    share,
    louder_share,
    growth,
    half_width,
    more,
    fewer,
    p,
    q,
    is_louder,
    is_louder AND list_contains(phrases, words) AS is_named
FROM judged
LEFT JOIN named USING (comparison_id);
COMMENT ON MACRO TABLE amplified_phrases IS
    'Phrases of up to six words that at least five prompts gain or lose in amplified decoding: the share of answers '
    'that have each at α = 0 and at α above 0 (mean over these), growth, their difference over prompts, with half of '
    'its 95 % interval, p of the sign test over prompts (more, fewer) and its false discovery rate q; is_louder, '
    'whether it comes up more often, and is_named, whether no named one that has grown more shares half of its words '
    'or is within it: FROM amplified_phrases().';
