-- What a report derives from the records beyond one position: words, splits of a difference, stages, contexts.

-- Scores are joined by the ids of conditions, not through a table of all scores with their models: DuckDB 2.0 merges
-- equal parts of a query, and a LIMIT over such a part never returns.
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
            any_value(cluster_id) AS cluster_id,
            response_id,
            min(pos) AS pos,
            count(*)::INTEGER AS n_tokens,
            min(char_start) AS char_start,
            max(char_end) AS char_end,
            max(base_rank) AS base_rank,
            arg_min(pos, (shift <> 'shifted', pos)) AS shifted_pos,
            arg_min_null(base_top, (shift <> 'shifted', pos)) AS base_top,
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
    cluster_id,
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

CREATE VIEW end_token AS
SELECT source, mode(token_id ORDER BY token_id) AS token_id
FROM response
JOIN "position" USING (response_id)
WHERE is_end
GROUP BY source;

CREATE VIEW sentence_end AS
SELECT
    c.comparison_id,
    r.prompt_id,
    r.response_id,
    p.pos,
    p.is_end,
    coalesce(b.top_ids[1], b.top_id) = e.token_id AS base_ends,
    coalesce(a.top_ids[1], a.top_id) = e.token_id AS aligned_ends,
    NOT p.is_end AND NOT list_contains(b.top_ids, e.token_id) AS base_censored,
    NOT p.is_end AND NOT list_contains(a.top_ids, e.token_id) AS aligned_censored,
    CASE
        WHEN p.is_end
        THEN b.logprob
        ELSE finite(coalesce(b.top_logprobs[list_position(b.top_ids, e.token_id)], b.top_logprobs[-1]))
    END AS base_logprob,
    CASE
        WHEN p.is_end
        THEN a.logprob
        ELSE finite(coalesce(a.top_logprobs[list_position(a.top_ids, e.token_id)], a.top_logprobs[-1]))
    END AS aligned_logprob
FROM comparison c
JOIN end_token e ON e.source = c.source
JOIN response r ON r.source = c.source
JOIN "position" p ON p.response_id = r.response_id
JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
WHERE c.kind = 'tuning' AND p.pos > 0 AND (p.is_end OR substring(r.text, p.char_start, 1) IN ('.', '!', '?', chr(10)));

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
    coalesce(sb.top_ids[1], sb.top_id) AS base_top_id,
    coalesce(sm.top_ids[1], sm.top_id) AS middle_top_id,
    coalesce(sz.top_ids[1], sz.top_id) AS aligned_top_id,
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
            a.top_ids IS NOT NULL AND b.top_ids IS NOT NULL AS has_lists,
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
                list_transform(
                    aligned_logprobs, lambda l, i: finite(exp(l::DOUBLE) * (l::DOUBLE - base_logprobs[places[i]]))
                )
            ) AS kl,
            1 - coalesce(
                list_sum(
                    list_transform(
                        aligned_logprobs,
                        lambda l,
                        i: CASE WHEN isfinite(base_logprobs[places[i]]) THEN exp(l::DOUBLE) END
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
    * EXCLUDE (has_lists, kl, aligned_rest, base_rest),
    CASE
        WHEN has_lists
        THEN
            greatest(
                0,
                coalesce(kl, 0) + CASE
                    WHEN aligned_rest > 1e-7 THEN aligned_rest * ln(aligned_rest / greatest(base_rest, 1e-7)) ELSE 0
                END
            )
    END AS kl_listed
FROM shared;

-- By windows and not by a self-join of primed: DuckDB 2.0 merges equal parts of a query, and a LIMIT over such a part
-- never returns.
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

CREATE VIEW primed_best AS
SELECT comparison_id, arg_min(context_id, (round(kl, 6), context_id)) AS context_id
FROM (SELECT comparison_id, context_id, sum(given_kl) AS kl FROM primed_pair GROUP BY ALL)
GROUP BY comparison_id;

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

CREATE MACRO stage_names() AS TABLE
SELECT c.comparison_id, c.ordinal, c.label AS chain, s.comparison_id AS stage_id, s.label AS comparison
FROM comparison c
CROSS JOIN comparison s;
COMMENT ON MACRO TABLE stage_names IS
    'The names of a chain and of each of its stages, for rows of stage_step: JOIN stage_names() USING (comparison_id, '
    'stage_id).';

CREATE MACRO steps_by_size() AS TABLE
SELECT
    *,
    abs(delta) AS size,
    sum(abs(delta)) OVER (PARTITION BY comparison_id, place) AS total,
    sum(abs(delta)) OVER down AS so_far,
    row_number() OVER down AS nth,
    count(*) OVER (PARTITION BY comparison_id, place) AS n_all
FROM stage_step
WHERE has_both
WINDOW down AS (PARTITION BY comparison_id, place ORDER BY abs(delta) DESC, response_id, pos ROWS UNBOUNDED PRECEDING);
COMMENT ON MACRO TABLE steps_by_size IS
    'Rows of stage_step where Δ log p is known for both stages, with what a ranking by size |Δ log p| says of each: '
    'nth of n_all, so_far of total nats: FROM steps_by_size().';
