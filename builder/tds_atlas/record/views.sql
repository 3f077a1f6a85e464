-- What the records mean: views and macros over the tables of schema.sql.

CREATE MACRO shift_class(rank) AS
    CASE WHEN rank = 1 THEN 'unshifted' WHEN rank <= 3 THEN 'marginal' WHEN rank > 3 THEN 'shifted' END;
CREATE MACRO class_counts(rank) AS [
    {'shift': 'unshifted', 'x': count(*) FILTER (shift_class(rank) = 'unshifted')::DOUBLE},
    {'shift': 'marginal', 'x': count(*) FILTER (shift_class(rank) = 'marginal')::DOUBLE},
    {'shift': 'shifted', 'x': count(*) FILTER (shift_class(rank) = 'shifted')::DOUBLE}
];
CREATE MACRO once_in(a, k) AS list_filter(a[1:k], lambda x, i: list_position(a, x) = i);
CREATE MACRO shared_in(a, b, k) AS len(list_filter(once_in(a, k), lambda x: list_position(b, x) BETWEEN 1 AND k));
CREATE MACRO jaccard_at(a, b, k) AS
    shared_in(a, b, k) / (len(once_in(a, k)) + len(once_in(b, k)) - shared_in(a, b, k));
CREATE MACRO token_text(id) AS TABLE
    SELECT DISTINCT text FROM token WHERE token_id = id;
COMMENT ON MACRO shift_class IS 'The class of a base rank: unshifted (1), marginal (2-3), shifted (> 3).';
COMMENT ON MACRO class_counts IS
    'Aggregate: how many ranks x are of each class, a row a class: SELECT unnest(class_counts(base_rank), recursive := '
    'true).';
COMMENT ON MACRO once_in IS 'The first k entries of a list, each once.';
COMMENT ON MACRO shared_in IS 'How many of the first k entries two lists share.';
COMMENT ON MACRO jaccard_at IS
    'Jaccard index of the first k entries of two lists, e.g. of paired.base_ids and paired.aligned_ids.';
COMMENT ON MACRO TABLE token_text IS
    'The text of a token id, one row for each vocabulary in which it differs: FROM token_text(17).';

-- A prompt that is given twice tells as much as one: what depends on chance is clustered by the prompt's turns.
CREATE VIEW prompt_cluster AS
SELECT prompt_id, first_value(prompt_id) OVER (PARTITION BY coalesce(conversation, text) ORDER BY ordinal) AS cluster_id
FROM prompt;

CREATE VIEW response_page AS
SELECT
    response_id,
    number,
    answers,
    CASE WHEN number = 1 THEN ordinal::VARCHAR ELSE concat(ordinal, '-', number) END AS page
FROM
    (
        SELECT
            response_id,
            q.ordinal,
            (row_number() OVER among)::INTEGER AS number,
            (count(*) OVER (PARTITION BY source, prompt_id))::INTEGER AS answers
        FROM response
        JOIN prompt q USING (prompt_id)
        WINDOW
            among AS (
                PARTITION BY source, prompt_id
                ORDER BY sample IS NOT NULL, try_cast(sample AS INTEGER) NULLS LAST, sample
            )
    );

CREATE VIEW paired AS
SELECT
    c.kind,
    c.comparison_id,
    c.base_condition_id,
    c.aligned_condition_id,
    r.prompt_id,
    r.response_id,
    p.pos,
    p.token_id,
    p.is_end,
    p.role,
    p.segment,
    p.pos - p.segment_start AS segment_pos,
    p.char_start,
    p.char_end,
    b.rank AS base_rank,
    a.rank AS aligned_rank,
    b.logprob AS base_logprob,
    a.logprob AS aligned_logprob,
    b.entropy AS base_entropy,
    a.entropy AS aligned_entropy,
    d.kl_aligned_base,
    d.kl_base_aligned,
    d.js,
    coalesce(d.kl_aligned_base, d.kl_aligned_base_lower) AS kl_aligned_base_lower,
    coalesce(d.kl_base_aligned, d.kl_base_aligned_lower) AS kl_base_aligned_lower,
    coalesce(d.js, d.js_lower) AS js_lower,
    coalesce(d.js, d.js_upper) AS js_upper,
    b.top_ids AS base_ids,
    b.top_logprobs AS base_logprobs,
    a.top_ids AS aligned_ids,
    a.top_logprobs AS aligned_logprobs,
    coalesce(b.top_ids[1], b.top_id) AS base_top_id,
    coalesce(b.top_logprobs[1], b.top_logprob) AS base_top_logprob,
    coalesce(a.top_ids[1], a.top_id) AS aligned_top_id,
    coalesce(d.jaccard_10, jaccard_at(b.top_ids, a.top_ids, 10)) AS jaccard_10
FROM comparison c
JOIN response r ON r.source = c.source
JOIN "position" p USING (response_id)
JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
JOIN divergence d ON d.response_id = p.response_id AND d.pos = p.pos AND d.comparison_id = c.comparison_id;

CREATE VIEW tds AS
SELECT
    comparison_id,
    x.prompt_id,
    cluster_id,
    x.response_id,
    pos,
    x.token_id,
    t.text AS token,
    t.is_word_start,
    is_end,
    role,
    segment,
    segment_pos,
    segment = 'thinking' AS is_thinking,
    shift_class(base_rank) AS shift,
    base_rank,
    aligned_rank,
    base_logprob,
    aligned_logprob,
    aligned_logprob - base_logprob AS delta_logprob,
    base_entropy,
    aligned_entropy,
    kl_aligned_base,
    kl_base_aligned,
    js,
    kl_aligned_base_lower,
    kl_base_aligned_lower,
    js_lower,
    js_upper,
    base_top_id,
    exp(base_top_logprob) AS base_top_probability,
    bt.text AS base_top,
    aligned_top_id,
    ct.text AS aligned_top,
    jaccard_10,
    r.n_tokens,
    q.tasks,
    q.topics,
    q.harmful
FROM paired x
JOIN response r USING (response_id)
JOIN prompt q ON q.prompt_id = x.prompt_id
JOIN prompt_cluster ON prompt_cluster.prompt_id = x.prompt_id
JOIN condition ac ON ac.condition_id = aligned_condition_id
JOIN model am ON am.model_id = ac.model_id
JOIN condition bc ON bc.condition_id = base_condition_id
JOIN model bm ON bm.model_id = bc.model_id
LEFT JOIN token t ON t.tokenizer_id = am.tokenizer_id AND t.token_id = x.token_id
LEFT JOIN token bt ON bt.tokenizer_id = bm.tokenizer_id AND bt.token_id = base_top_id
LEFT JOIN token ct ON ct.tokenizer_id = am.tokenizer_id AND ct.token_id = aligned_top_id
WHERE kind = 'tuning';

CREATE VIEW slot AS
SELECT
    comparison_id,
    prompt_id,
    cluster_id,
    response_id,
    min(pos) AS pos,
    count(*)::INTEGER AS n_tokens,
    role = 'knowledge' AS is_true,
    max(base_rank) AS base_rank,
    shift_class(max(base_rank)) AS shift
FROM
    (
        SELECT *, pos - row_number() OVER (PARTITION BY comparison_id, response_id, role ORDER BY pos) AS run
        FROM tds
        WHERE role IN ('knowledge', 'mistake')
    )
GROUP BY comparison_id, prompt_id, cluster_id, response_id, role, run;

CREATE VIEW noise AS
SELECT
    comparison_id,
    base_condition_id AS condition_id,
    ac.arithmetic,
    prompt_id,
    response_id,
    pos,
    base_rank AS rank,
    aligned_rank AS rank_again,
    base_logprob AS logprob,
    aligned_logprob AS logprob_again,
    shift_class(base_rank) <> shift_class(aligned_rank) AS class_flips,
    kl_aligned_base AS kl_again_first,
    js
FROM paired
JOIN condition ac ON ac.condition_id = aligned_condition_id
WHERE kind = 'noise';

CREATE VIEW candidate AS
SELECT
    s.response_id, s.pos, s.condition_id, s.place, s.token_id, t.text AS token, s.logprob, exp(s.logprob) AS probability
FROM
    (
        SELECT
            response_id,
            pos,
            condition_id,
            unnest(range(1, len(top_ids) + 1)) AS place,
            unnest(top_ids) AS token_id,
            unnest(top_logprobs) AS logprob
        FROM score
    ) s
JOIN condition c USING (condition_id)
JOIN model m USING (model_id)
LEFT JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = s.token_id;

CREATE VIEW example AS
SELECT
    comparison_id,
    response_id,
    prompt_id,
    any_value(n_tokens) AS n_tokens,
    count(*) FILTER (shift = 'unshifted') / count(*) AS unshifted_share,
    count(*) FILTER (shift = 'marginal') / count(*) AS marginal_share,
    count(*) FILTER (shift = 'shifted') / count(*) AS shifted_share,
    avg(kl_aligned_base) AS mean_kl_aligned_base_nats,
    avg(js) AS mean_js_nats,
    avg(kl_aligned_base_lower) AS mean_kl_aligned_base_lower_nats,
    avg(js_lower) AS mean_js_lower_nats,
    avg(js_upper) AS mean_js_upper_nats,
    avg(aligned_logprob - base_logprob) AS mean_delta_logprob_nats,
    max(base_rank) AS max_base_rank,
    min(pos) FILTER (shift = 'shifted') AS first_shifted_pos
FROM
    (
        SELECT
            x.* EXCLUDE (base_ids, base_logprobs, aligned_ids, aligned_logprobs),
            n_tokens,
            shift_class(base_rank) AS shift
        FROM paired x
        JOIN response r USING (response_id)
        WHERE kind = 'tuning'
    )
GROUP BY comparison_id, response_id, prompt_id;
