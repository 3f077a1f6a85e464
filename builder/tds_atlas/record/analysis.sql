-- What a report asks of the records beyond one position: words, what split a difference, stages, contexts, swaps.

-- Scores are joined by the ids of conditions, not through a table of all scores with their models: DuckDB 2.0 takes
-- equal parts of a query together, and a LIMIT over such a part waits for ever.
CREATE VIEW split AS
SELECT
    x.comparison_id,
    r.prompt_id,
    aa.response_id,
    aa.pos,
    aa.logprob::DOUBLE - bb.logprob::DOUBLE AS delta,
    ba.logprob::DOUBLE - bb.logprob::DOUBLE AS context,
    aa.logprob::DOUBLE - ba.logprob::DOUBLE AS weights,
    ab.logprob::DOUBLE - bb.logprob::DOUBLE AS weights_first,
    aa.logprob::DOUBLE - ab.logprob::DOUBLE AS context_after,
    (aa.logprob::DOUBLE - ba.logprob::DOUBLE) - (ab.logprob::DOUBLE - bb.logprob::DOUBLE) AS interaction
FROM
    (
        SELECT
            c.comparison_id,
            c.source,
            c.base_condition_id,
            c.aligned_condition_id,
            ba.condition_id AS ba_id,
            ab.condition_id AS ab_id
        FROM comparison c
        JOIN condition b ON b.condition_id = c.base_condition_id
        JOIN condition a ON a.condition_id = c.aligned_condition_id
        LEFT JOIN condition ba ON ba.model_id = b.model_id AND ba.context_id = a.context_id AND ba.arithmetic = ''
        LEFT JOIN condition ab ON ab.model_id = a.model_id AND ab.context_id = b.context_id AND ab.arithmetic = ''
        WHERE c.kind = 'tuning'
    ) x
JOIN response r ON r.source = x.source
JOIN score aa ON aa.response_id = r.response_id AND aa.condition_id = x.aligned_condition_id
JOIN score bb ON bb.response_id = aa.response_id AND bb.pos = aa.pos AND bb.condition_id = x.base_condition_id
LEFT JOIN score ba ON ba.response_id = aa.response_id AND ba.pos = aa.pos AND ba.condition_id = x.ba_id
LEFT JOIN score ab ON ab.response_id = aa.response_id AND ab.pos = aa.pos AND ab.condition_id = x.ab_id;

COMMENT ON VIEW split IS
    'What the weights changed and what the prompt changed: delta_logprob of tds as a sum of two, in both orders. One '
    'row per comparison x position; NULL where the report did not score the condition that it takes (conditions in the'
    ' report file).';
COMMENT ON COLUMN split.delta IS
    'ln p_aligned(o_t) - ln p_base(o_t), each model in its own context of the comparison; nats.';
COMMENT ON COLUMN split.context IS
    'Of it the prompt: the base model in the aligned context, less the base model in its own; nats.';
COMMENT ON COLUMN split.weights IS
    'Of it the weights: the aligned model less the base model, both in the aligned context; context + weights = delta;'
    ' nats.';
COMMENT ON COLUMN split.weights_first IS
    'In the other order, the weights: the aligned model less the base model, both in the base context; nats.';
COMMENT ON COLUMN split.context_after IS
    'In the other order, the prompt: the aligned model in its own context, less the aligned model in the base context;'
    ' weights_first + context_after = delta; nats.';
COMMENT ON COLUMN split.interaction   IS 'weights - weights_first: how much the two depend on one another; nats.';

CREATE VIEW word AS
WITH
    piece AS (
        SELECT
            t.*,
            p.char_start,
            p.char_end,
            coalesce(
                t.is_word_start
                OR NOT regexp_matches(t.token, '^[\p{L}\p{N}'']')
                OR lag(t.is_end OR NOT regexp_matches(t.token, '[\p{L}\p{N}'']$')) OVER w,
                true
            ) AS begins
        FROM tds t
        JOIN "position" p ON p.response_id = t.response_id AND p.pos = t.pos
        WINDOW w AS (PARTITION BY t.comparison_id, t.response_id ORDER BY t.pos)
    ),
    numbered AS (
        SELECT *, sum(begins::INTEGER) OVER (PARTITION BY comparison_id, response_id ORDER BY pos)::INTEGER AS n
        FROM piece
    ),
    grouped AS (
        SELECT
            comparison_id,
            any_value(prompt_id) AS prompt_id,
            response_id,
            min(pos) AS pos,
            count(*)::INTEGER AS n_tokens,
            min(char_start) AS char_start,
            max(char_end) AS char_end,
            max(base_rank) AS base_rank,
            arg_min(pos, (shift <> 'shifted', pos)) AS shifted_pos,
            arg_min(base_top, (shift <> 'shifted', pos)) AS base_top,
            sum(kl_aligned_base) AS kl_aligned_base,
            sum(delta_logprob) AS delta_logprob,
            arg_min(role, pos) AS role
        FROM numbered
        WHERE NOT is_end
        GROUP BY comparison_id, response_id, n
    )
SELECT
    comparison_id,
    g.prompt_id,
    response_id,
    pos,
    g.n_tokens,
    char_start,
    char_end,
    trim(substring(r.text, char_start + 1, char_end - char_start), ' ') AS word,
    shift_class(base_rank) AS shift,
    base_rank,
    shifted_pos,
    base_top,
    kl_aligned_base,
    delta_logprob,
    role
FROM grouped g
JOIN response r USING (response_id);

COMMENT ON VIEW word IS
    'Tokens joined to words: one row per comparison x word of an answer. Punctuation and digits after letters stand '
    'alone; a word is as shifted as its most shifted token.';
COMMENT ON COLUMN word.pos             IS 'Position of its first token.';
COMMENT ON COLUMN word.n_tokens        IS 'Number of its tokens.';
COMMENT ON COLUMN word.char_start      IS 'First character of response.text that it takes, a space before it included.';
COMMENT ON COLUMN word.char_end        IS 'One past the last.';
COMMENT ON COLUMN word.word            IS 'The word as written, without spaces around it.';
COMMENT ON COLUMN word.shift           IS 'Class of its largest base rank.';
COMMENT ON COLUMN word.base_rank       IS 'The largest base rank of its tokens.';
COMMENT ON COLUMN word.shifted_pos     IS 'Position of its first shifted token; of its first token where none is.';
COMMENT ON COLUMN word.base_top        IS 'The base''s first choice at shifted_pos.';
COMMENT ON COLUMN word.kl_aligned_base IS 'Sum of KL(aligned‖base) over its tokens, nats.';
COMMENT ON COLUMN word.delta_logprob   IS 'Sum of ln p_aligned - ln p_base over its tokens, nats.';
COMMENT ON COLUMN word.role            IS 'Role of its first token; see position.role.';

CREATE VIEW end_token AS
SELECT source, mode(token_id ORDER BY token_id) AS token_id
FROM response
JOIN "position" USING (response_id)
WHERE is_end
GROUP BY source;

COMMENT ON VIEW end_token IS
    'The token that ends answers, of each source: the one that most of its answers end with. No row where none ended '
    'by itself.';
COMMENT ON COLUMN end_token.source   IS 'Whose answers; see response.source.';
COMMENT ON COLUMN end_token.token_id IS 'Id of the token.';

CREATE VIEW sentence_end AS
SELECT
    c.comparison_id,
    r.prompt_id,
    r.response_id,
    p.pos,
    p.is_end,
    b.top_ids[1] = e.token_id AS base_ends,
    a.top_ids[1] = e.token_id AS aligned_ends,
    NOT p.is_end AND NOT list_contains(b.top_ids, e.token_id) AS base_censored,
    NOT p.is_end AND NOT list_contains(a.top_ids, e.token_id) AS aligned_censored,
    CASE
        WHEN p.is_end
        THEN b.logprob
        ELSE coalesce(b.top_logprobs[list_position(b.top_ids, e.token_id)], b.top_logprobs[-1])
    END AS base_logprob,
    CASE
        WHEN p.is_end
        THEN a.logprob
        ELSE coalesce(a.top_logprobs[list_position(a.top_ids, e.token_id)], a.top_logprobs[-1])
    END AS aligned_logprob
FROM comparison c
JOIN end_token e ON e.source = c.source
JOIN response r ON r.source = c.source
JOIN "position" p ON p.response_id = r.response_id
JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
WHERE c.kind = 'tuning' AND p.pos > 0 AND (p.is_end OR substring(r.text, p.char_start, 1) IN ('.', '!', '?', chr(10)));

COMMENT ON VIEW sentence_end IS
    'Where an answer ends, and where it could have: what both models say of the end token there. One row per '
    'comparison x position whose text before it ends with . ! ? or a line break, or that is the true end; the first '
    'position is none.';
COMMENT ON COLUMN sentence_end.is_end           IS 'Whether the answer ends here.';
COMMENT ON COLUMN sentence_end.base_ends        IS 'Whether the end token is the base''s first choice.';
COMMENT ON COLUMN sentence_end.aligned_ends     IS 'Whether it is the aligned model''s.';
COMMENT ON COLUMN sentence_end.base_censored IS
    'Whether it lies beyond the base''s stored list: base_logprob is an upper bound then.';
COMMENT ON COLUMN sentence_end.aligned_censored IS 'The same of the aligned model.';
COMMENT ON COLUMN sentence_end.base_logprob IS
    'ln p_base(end token), nats; the last of the stored list where it lies beyond it.';
COMMENT ON COLUMN sentence_end.aligned_logprob IS
    'ln p_aligned(end token), nats; the last of the stored list where it lies beyond it.';

CREATE VIEW stage AS
SELECT
    z.comparison_id,
    x.comparison_id AS first_id,
    y.comparison_id AS second_id,
    r.prompt_id,
    r.response_id,
    sz.pos,
    p.role,
    p.is_end,
    sm.logprob - sb.logprob AS first_delta,
    sz.logprob - sm.logprob AS second_delta,
    sz.logprob - sb.logprob AS delta,
    sb.rank AS base_rank,
    sm.rank AS middle_rank,
    sz.rank AS aligned_rank,
    sb.top_ids[1] AS base_top_id,
    sm.top_ids[1] AS middle_top_id,
    sz.top_ids[1] AS aligned_top_id,
    dy.js AS second_js,
    dz.js
FROM comparison z
JOIN
    comparison y
    ON y.source = z.source
    AND y.aligned_condition_id = z.aligned_condition_id
    AND y.kind = 'tuning'
    AND y.comparison_id <> z.comparison_id
JOIN
    (
        SELECT base_condition_id, aligned_condition_id, arg_min(comparison_id, ordinal) AS comparison_id
        FROM comparison
        WHERE kind = 'tuning'
        GROUP BY ALL
    ) x
    ON x.base_condition_id = z.base_condition_id
    AND x.aligned_condition_id = y.base_condition_id
JOIN response r ON r.source = z.source
JOIN score sz ON sz.response_id = r.response_id AND sz.condition_id = z.aligned_condition_id
JOIN score sm ON sm.response_id = r.response_id AND sm.condition_id = y.base_condition_id AND sm.pos = sz.pos
JOIN score sb ON sb.response_id = r.response_id AND sb.condition_id = z.base_condition_id AND sb.pos = sz.pos
JOIN divergence dy ON dy.response_id = r.response_id AND dy.comparison_id = y.comparison_id AND dy.pos = sz.pos
JOIN divergence dz ON dz.response_id = r.response_id AND dz.comparison_id = z.comparison_id AND dz.pos = sz.pos
JOIN "position" p ON p.response_id = r.response_id AND p.pos = sz.pos
WHERE z.kind = 'tuning';

COMMENT ON VIEW stage IS
    'A chain of tuning, e.g. base → sft → dpo, over one set of answers: the whole comparison''s change as a sum of two'
    ' stages. One row per chain x position; empty where the report has no chain.';
COMMENT ON COLUMN stage.comparison_id  IS 'The whole, e.g. base-dpo; see comparison.';
COMMENT ON COLUMN stage.first_id       IS 'The first stage, e.g. base-sft.';
COMMENT ON COLUMN stage.second_id      IS 'The second stage, e.g. sft-dpo.';
COMMENT ON COLUMN stage.response_id    IS 'The response, of the last model; see response.';
COMMENT ON COLUMN stage.first_delta    IS 'ln p_middle(o_t) - ln p_base(o_t), nats: the first stage''s part.';
COMMENT ON COLUMN stage.second_delta IS
    'ln p_aligned(o_t) - ln p_middle(o_t), nats: the second stage''s part; first_delta + second_delta = delta.';
COMMENT ON COLUMN stage.delta          IS 'ln p_aligned(o_t) - ln p_base(o_t), nats.';
COMMENT ON COLUMN stage.base_rank      IS 'Rank of o_t under the base.';
COMMENT ON COLUMN stage.middle_rank    IS 'Rank of o_t under the middle model.';
COMMENT ON COLUMN stage.aligned_rank   IS 'Rank of o_t under the last model.';
COMMENT ON COLUMN stage.base_top_id    IS 'First choice of the base.';
COMMENT ON COLUMN stage.middle_top_id  IS 'First choice of the middle model.';
COMMENT ON COLUMN stage.aligned_top_id IS 'First choice of the last model.';
COMMENT ON COLUMN stage.second_js      IS 'Jensen-Shannon divergence of the second stage, nats.';
COMMENT ON COLUMN stage.js             IS 'Jensen-Shannon divergence of the whole, nats.';

CREATE VIEW primed AS
WITH
    listed AS (
        SELECT
            c.comparison_id,
            r.prompt_id,
            a.response_id,
            a.pos,
            p.token_id,
            p.role,
            x.context_id,
            x.condition_id = c.base_condition_id AS is_own,
            x.context_id = ac.context_id AS is_aligned,
            b.rank,
            b.logprob,
            CASE
                WHEN
                    list_contains(a.top_ids, p.token_id)
                    AND list_contains(b.top_ids, p.token_id)
                    OR a.logprob IS NULL
                    OR b.logprob IS NULL
                THEN a.top_logprobs
                ELSE list_append(a.top_logprobs, a.logprob)
            END AS aligned_logprobs,
            list_append(b.top_logprobs, b.logprob) AS base_logprobs,
            list_append(list_transform(a.top_ids, lambda i: list_position(b.top_ids, i)), len(b.top_ids) + 1) AS places
        FROM comparison c
        JOIN condition bc ON bc.condition_id = c.base_condition_id
        JOIN condition ac ON ac.condition_id = c.aligned_condition_id
        JOIN condition x ON x.model_id = bc.model_id AND x.arithmetic = bc.arithmetic
        JOIN response r ON r.source = c.source
        JOIN score a ON a.response_id = r.response_id AND a.condition_id = c.aligned_condition_id
        JOIN score b ON b.response_id = a.response_id AND b.pos = a.pos AND b.condition_id = x.condition_id
        JOIN "position" p ON p.response_id = a.response_id AND p.pos = a.pos
        WHERE c.kind = 'tuning' AND bc.arithmetic = ''
    ),
    shared AS (
        SELECT
            * EXCLUDE (aligned_logprobs, base_logprobs, places),
            list_sum(
                list_transform(aligned_logprobs, lambda l, i: exp(l::DOUBLE) * (l::DOUBLE - base_logprobs[places[i]]))
            ) AS kl,
            1 - coalesce(
                list_sum(
                    list_transform(
                        aligned_logprobs, lambda l, i: CASE WHEN places[i] IS NOT NULL THEN exp(l::DOUBLE) END
                    )
                ),
                0
            ) AS aligned_rest,
            1 - coalesce(
                list_sum(list_transform(aligned_logprobs, lambda l, i: exp(base_logprobs[places[i]]::DOUBLE))), 0
            ) AS base_rest
        FROM listed
    )
SELECT
    * EXCLUDE (kl, aligned_rest, base_rest),
    greatest(
        0,
        coalesce(kl, 0)
        + CASE WHEN aligned_rest > 1e-7 THEN aligned_rest * ln(aligned_rest / greatest(base_rest, 1e-7)) ELSE 0 END
    ) AS kl_listed
FROM shared;

COMMENT ON VIEW primed IS
    'What the base model of a comparison says of the same answers under each context in which the report scored it. '
    'One row per comparison x position x context.';
COMMENT ON COLUMN primed.token_id      IS 'Id o_t of the token.';
COMMENT ON COLUMN primed.context_id    IS 'The context that the base model was asked in; see context.';
COMMENT ON COLUMN primed.is_own        IS 'Whether this is the comparison''s own base condition.';
COMMENT ON COLUMN primed.is_aligned    IS 'Whether this is the context of the aligned condition.';
COMMENT ON COLUMN primed.rank          IS 'Rank of o_t under the base model in this context.';
COMMENT ON COLUMN primed.logprob       IS 'ln p(o_t) under it, nats.';
COMMENT ON COLUMN primed.kl_listed IS
    'KL(aligned‖base model in this context) from what is stored: over the ids in both lists, o_t (known at any rank), '
    'and one rest of everything else; nats, at most the KL over the full vocabulary.';

-- By windows and not by a join of primed with itself: DuckDB 2.0 takes equal parts of a query together, and a LIMIT over
-- such a part never ends.
CREATE VIEW primed_pair AS
SELECT
    comparison_id,
    context_id,
    is_aligned,
    prompt_id,
    response_id,
    pos,
    role,
    token_id,
    max(rank) FILTER (is_own) OVER own AS own_rank,
    rank AS given_rank,
    max(kl_listed) FILTER (is_own) OVER own AS own_kl,
    kl_listed AS given_kl
FROM primed
WINDOW own AS (PARTITION BY comparison_id, response_id, pos)
QUALIFY NOT is_own;

COMMENT ON VIEW primed_pair IS
    'What the base model of a comparison says in another context (given) beside what it says in the comparison''s own. '
    'One row per comparison x other context x position.';
COMMENT ON COLUMN primed_pair.context_id IS 'The other context; see context.';
COMMENT ON COLUMN primed_pair.is_aligned IS 'Whether that is the context of the aligned condition.';
COMMENT ON COLUMN primed_pair.token_id   IS 'Id o_t of the token.';
COMMENT ON COLUMN primed_pair.own_rank   IS 'Rank of o_t under the base condition of the comparison.';
COMMENT ON COLUMN primed_pair.given_rank IS 'Rank of o_t under the base model in the other context.';
COMMENT ON COLUMN primed_pair.own_kl     IS 'primed.kl_listed of the base condition of the comparison, nats.';
COMMENT ON COLUMN primed_pair.given_kl   IS 'primed.kl_listed of the base model in the other context, nats.';

CREATE VIEW primed_best AS
SELECT comparison_id, arg_min(context_id, (round(kl, 6), context_id)) AS context_id
FROM (SELECT comparison_id, context_id, sum(given_kl) AS kl FROM primed_pair GROUP BY ALL)
GROUP BY comparison_id;

COMMENT ON VIEW primed_best IS
    'For each comparison the other context in which the base model comes closest to the aligned model.';
COMMENT ON COLUMN primed_best.context_id IS 'The context with the least sum of given_kl; see primed_pair.';

CREATE VIEW stage_step AS
SELECT
    comparison_id,
    unnest([first_id, second_id]) AS stage_id,
    unnest([1, 2]) AS place,
    prompt_id,
    response_id,
    pos,
    role,
    unnest([first_delta, second_delta])::DOUBLE AS delta,
    unnest([base_rank, middle_rank]) AS before_rank,
    unnest([middle_rank, aligned_rank]) AS after_rank,
    base_rank,
    middle_rank,
    aligned_rank,
    first_delta IS NOT NULL AND second_delta IS NOT NULL AS has_both
FROM stage;

COMMENT ON VIEW stage_step IS 'The rows of stage with a row for each of the two stages of a chain.';
COMMENT ON COLUMN stage_step.comparison_id IS 'The comparison across both stages; see comparison.';
COMMENT ON COLUMN stage_step.stage_id      IS 'The comparison of this stage alone; see comparison.';
COMMENT ON COLUMN stage_step.place         IS '1 for the first stage, 2 for the second.';
COMMENT ON COLUMN stage_step.delta         IS 'Δ log p of o_t that this stage brought, nats.';
COMMENT ON COLUMN stage_step.before_rank   IS 'Rank of o_t before this stage.';
COMMENT ON COLUMN stage_step.after_rank    IS 'Rank of o_t after it.';
COMMENT ON COLUMN stage_step.base_rank     IS 'Rank of o_t before both; see stage.';
COMMENT ON COLUMN stage_step.middle_rank   IS 'Rank of o_t between them; see stage.';
COMMENT ON COLUMN stage_step.aligned_rank  IS 'Rank of o_t after both; see stage.';
COMMENT ON COLUMN stage_step.has_both      IS 'Whether Δ log p is known for both stages.';

CREATE VIEW swap_outcome AS
SELECT
    s.comparison_id,
    s.method,
    s.share,
    s.prompt_id,
    s.n_swapped,
    s.n_tokens,
    unnest(['right', 'refusal', 'style', 'ended', 'agreement']) AS outcome,
    unnest(
        [
            is_right::INTEGER::DOUBLE,
            CASE WHEN harmful THEN refuses::INTEGER::DOUBLE END,
            style_share,
            (finish = 'stop')::INTEGER::DOUBLE,
            (s.text = whole.text)::INTEGER::DOUBLE
        ]
    ) AS x
FROM swap s
JOIN prompt q ON q.prompt_id = s.prompt_id
LEFT JOIN
    (SELECT comparison_id, prompt_id, any_value(text) AS text FROM swap WHERE share = 1 GROUP BY ALL) whole
    ON whole.comparison_id = s.comparison_id
    AND whole.prompt_id = s.prompt_id;

COMMENT ON VIEW swap_outcome IS 'What became of each text of swap: one row per text x outcome.';
COMMENT ON COLUMN swap_outcome.method    IS 'Where tokens were swapped in; see swap.method.';
COMMENT ON COLUMN swap_outcome.share     IS 'Share of the positions aimed at; see swap.share.';
COMMENT ON COLUMN swap_outcome.n_swapped IS 'Positions at which the aligned model''s choice was put in.';
COMMENT ON COLUMN swap_outcome.n_tokens  IS 'Tokens of the text.';
COMMENT ON COLUMN swap_outcome.outcome IS
    'right: states the fact asked for; refusal: refuses a harmful prompt; style: share of its characters within '
    'phrases of style; ended: reached the end token; agreement: is the aligned model''s own text.';
COMMENT ON COLUMN swap_outcome.x         IS '1 or 0, or the share; NULL where the outcome does not apply.';

-- One outcome along the shares swapped: between the ends by method, at the ends (base alone, aligned alone) the same for
-- all methods.
CREATE MACRO swap_curve(wanted) AS TABLE
WITH
    one AS (FROM swap_outcome WHERE outcome = wanted AND x IS NOT NULL),
    methods AS (SELECT DISTINCT comparison_id, method FROM one WHERE share > 0 AND share < 1),
    rows_of_a_prompt AS (
        SELECT comparison_id, method, share, prompt_id, n_swapped, n_tokens, x FROM one WHERE share > 0 AND share < 1
        UNION ALL
        SELECT DISTINCT comparison_id, methods.method, share, prompt_id, share, 1, x
        FROM one
        JOIN methods USING (comparison_id)
        WHERE share IN (0, 1)
    )
SELECT
    c.label AS comparison,
    method,
    share AS target_share,
    sum(n_swapped) / sum(n_tokens) AS swapped_share,
    clustered_mean(x, 1) AS outcome_share,
    kept_within(clustered_mean(x, 1) - clustered_half_width(x, 1), 0, 1) AS low_share,
    kept_within(clustered_mean(x, 1) + clustered_half_width(x, 1), 0, 1) AS high_share,
    count(*) AS prompts
FROM rows_of_a_prompt
JOIN comparison c USING (comparison_id)
GROUP BY c.ordinal, c.label, method, share
ORDER BY c.ordinal, list_position(['divergence', 'entropy', 'random'], method), share;
COMMENT ON MACRO TABLE swap_curve IS
    'An outcome of swap_outcome by comparison, method and share, with its 95 % interval: FROM swap_curve(''refusal'').';

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

COMMENT ON VIEW prompt_tag IS 'The tags of every prompt, one row per tag; the file it is from counts where there are two.';
COMMENT ON COLUMN prompt_tag.kind IS 'task, topic or set (the file of the prompt).';
COMMENT ON COLUMN prompt_tag.tag  IS 'The tag.';

CREATE VIEW prompt_shift AS
SELECT
    comparison_id,
    prompt_id,
    count(*) AS n,
    count(*) FILTER (shift = 'shifted')::DOUBLE AS x,
    min(pos) FILTER (shift = 'shifted') AS first_pos
FROM tds
GROUP BY ALL;

COMMENT ON VIEW prompt_shift IS 'Shifted tokens by prompt: one row per comparison x prompt, for clustered_mean(x, n).';
COMMENT ON COLUMN prompt_shift.n         IS 'Positions of the prompt''s answers.';
COMMENT ON COLUMN prompt_shift.x         IS 'Those shifted.';
COMMENT ON COLUMN prompt_shift.first_pos IS 'Index of the first shifted position; NULL if there is none.';

-- Tags of one kind against the whole of their comparison, by a test whose variance knows that the whole holds the tag.
-- Benjamini-Hochberg over the tags of a comparison.
CREATE MACRO shift_by_tag(wanted) AS TABLE
WITH
    overall AS (SELECT comparison_id, sum(x) / sum(n) AS share, sum(n) AS size FROM prompt_shift GROUP BY ALL),
    residual AS (
        SELECT comparison_id, prompt_id, n, x, share, size, x - share * n AS r
        FROM prompt_shift
        JOIN overall USING (comparison_id)
    ),
    spread AS (SELECT comparison_id, sum(r * r) AS rr FROM residual GROUP BY ALL),
    tested AS (
        SELECT
            comparison_id,
            tag,
            count(*) AS prompts,
            sum(n)::BIGINT AS positions,
            share AS overall,
            clustered_mean(x, n) AS ratio,
            clustered_half_width(x, n) AS half,
            sum(r) AS excess,
            -- The variance of that excess: each prompt's own less its part in the overall share, which the tag is in
            -- too.
            CASE
                WHEN count(*) > 1
                THEN count(*) / (count(*) - 1.0) * ((1 - 2 * sum(n) / size) * sum(r * r) + power(sum(n) / size, 2) * rr)
            END AS variance
        FROM prompt_tag
        JOIN residual USING (prompt_id)
        JOIN spread USING (comparison_id)
        WHERE kind = wanted
        GROUP BY comparison_id, tag, share, size, rr
    ),
    ranked AS (
        SELECT
            *,
            CASE WHEN variance > 0 THEN normal_p(excess / sqrt(variance)) ELSE 1 END AS p,
            row_number() OVER (PARTITION BY comparison_id ORDER BY p, tag) AS place,
            count(*) OVER (PARTITION BY comparison_id) AS tests
        FROM tested
    )
SELECT
    label AS comparison,
    tag,
    ratio AS share,
    share_low(ratio, half, prompts) AS low_share,
    share_high(ratio, half, prompts) AS high_share,
    overall AS overall_share,
    min(p * tests / place) OVER (PARTITION BY comparison_id ORDER BY place DESC) <= 0.05 AS stands_out,
    round(p, 6) AS p,
    prompts,
    positions / prompts AS tokens_per_prompt,
    max(ratio) OVER (PARTITION BY tag) AS highest
FROM ranked
JOIN comparison USING (comparison_id)
ORDER BY highest DESC, tag, ordinal;
COMMENT ON MACRO TABLE shift_by_tag IS
    'Shifted share by tag of a kind (task, topic, set) with its 95 % interval, and whether it differs from the whole: '
    'FROM shift_by_tag(''task'').';

CREATE VIEW prompt_measure AS
WITH
    answers AS (
        SELECT
            comparison_id,
            t.prompt_id,
            count(*)::DOUBLE AS n,
            count(delta_logprob)::DOUBLE AS with_delta,
            1::DOUBLE AS one,
            count(*) FILTER (shift = 'unshifted')::DOUBLE AS unshifted,
            count(*) FILTER (shift = 'marginal')::DOUBLE AS marginal,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS shifted,
            sum(kl_aligned_base::DOUBLE) AS kl,
            sum(kl_base_aligned::DOUBLE) AS kl_back,
            sum(js::DOUBLE) AS js,
            coalesce(sum(delta_logprob::DOUBLE), 0) AS delta,
            CASE
                WHEN any_value(r.condition_id) = any_value(c.aligned_condition_id)
                THEN coalesce(min(pos) FILTER (base_rank > 1), count(*))::DOUBLE
            END AS same
        FROM tds t
        JOIN comparison c USING (comparison_id)
        JOIN response r USING (response_id)
        GROUP BY ALL
    )
SELECT
    comparison_id,
    prompt_id,
    unnest(
        [
            {'place': 1, 'measure': 'unshifted', 'unit': 'share', 'x': unshifted, 'n': n},
            {'place': 2, 'measure': 'marginal', 'unit': 'share', 'x': marginal, 'n': n},
            {'place': 3, 'measure': 'shifted', 'unit': 'share', 'x': shifted, 'n': n},
            {'place': 4, 'measure': 'KL(aligned‖base)', 'unit': 'nats', 'x': kl, 'n': n},
            {'place': 5, 'measure': 'KL(base‖aligned)', 'unit': 'nats', 'x': kl_back, 'n': n},
            {'place': 6, 'measure': 'JS', 'unit': 'nats', 'x': js, 'n': n},
            {'place': 7, 'measure': 'Δ log p', 'unit': 'nats', 'x': delta, 'n': with_delta},
            {'place': 8, 'measure': 'same as the base for', 'unit': 'tokens', 'x': same, 'n': one},
            {'place': 9, 'measure': 'answer length', 'unit': 'tokens', 'x': n, 'n': one}
        ],
        recursive := true
    )
FROM answers;

COMMENT ON VIEW prompt_measure IS
    'Every measure by prompt: one row per comparison x prompt x measure, for clustered_mean(x, n).';
COMMENT ON COLUMN prompt_measure.place   IS 'Its place in tables.';
COMMENT ON COLUMN prompt_measure.measure IS 'Its name.';
COMMENT ON COLUMN prompt_measure.unit    IS 'share, nats or tokens.';
COMMENT ON COLUMN prompt_measure.x       IS 'Sum over the positions of the prompt''s answers; NULL where it does not apply.';
COMMENT ON COLUMN prompt_measure.n       IS 'What the mean divides by: positions, or 1.';
