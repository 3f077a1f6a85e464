-- Pairs of models with two tokenizers: what both say about an answer from one place where both end a token to the next.
-- Every number is of the token path: of these tokens in turn, not of all ways in which a tokenizer may write the bytes.

CREATE VIEW stretch_token AS
WITH
    aligned AS (
        SELECT comparison_id, response_id, number, unnest(range(pos, pos + n_tokens))::INTEGER AS pos FROM stretch
    ),
    base AS (
        SELECT comparison_id, response_id, number, unnest(range(base_pos, base_pos + base_n_tokens))::INTEGER AS pos
        FROM stretch
    ),
    said AS (
        SELECT a.*, 'aligned' AS side, condition_id, token_id, logprob, rank, coalesce(top_ids[1], top_id) AS top_id
        FROM aligned a
        JOIN comparison c USING (comparison_id)
        JOIN "position" p USING (response_id, pos)
        JOIN score s ON s.response_id = a.response_id AND s.pos = a.pos AND s.condition_id = c.aligned_condition_id
        UNION ALL
        SELECT b.*, 'base', condition_id, token_id, logprob, rank, top_id
        FROM base b
        JOIN comparison c USING (comparison_id)
        JOIN retold s ON s.response_id = b.response_id AND s.pos = b.pos AND s.condition_id = c.base_condition_id
    )
SELECT
    comparison_id,
    response_id,
    number,
    side,
    pos,
    s.token_id,
    t.text AS token,
    logprob,
    nullif(rank, 0) AS rank,
    top_id,
    first_choice.text AS top
FROM said s
JOIN condition USING (condition_id)
JOIN model m USING (model_id)
LEFT JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = s.token_id
LEFT JOIN token first_choice ON first_choice.tokenizer_id = m.tokenizer_id AND first_choice.token_id = top_id;

CREATE VIEW token_path AS
WITH
    side AS (
        SELECT
            comparison_id,
            response_id,
            number,
            side,
            CASE WHEN count(logprob) = count(*) THEN sum(logprob::DOUBLE) END AS logprob,
            CASE WHEN count(rank) = count(*) THEN bool_and(rank = 1) END AS is_greedy,
            CASE WHEN count(*) = 1 THEN any_value(rank) END AS rank
        FROM stretch_token
        GROUP BY ALL
    )
SELECT
    s.comparison_id,
    r.prompt_id,
    cluster_id,
    s.response_id,
    s.number,
    s.char_start,
    s.char_end,
    byte_start,
    byte_end,
    byte_end - byte_start AS n_bytes,
    s.pos,
    s.n_tokens,
    base_pos,
    base_n_tokens,
    p.segment,
    p.pos - p.segment_start AS segment_pos,
    s.n_tokens = 1 AND base_n_tokens = 1 AS is_one_to_one,
    CASE WHEN s.n_tokens = 1 THEN b.rank END AS base_rank,
    shift_class(CASE WHEN s.n_tokens = 1 THEN b.rank END) AS shift,
    b.is_greedy AS is_base_greedy,
    a.is_greedy AS is_aligned_greedy,
    b.logprob AS base_logprob,
    a.logprob AS aligned_logprob,
    a.logprob - b.logprob AS delta_logprob,
    (a.logprob - b.logprob) / (byte_end - byte_start) AS delta_logprob_per_byte
FROM stretch s
JOIN response r USING (response_id)
JOIN prompt_cluster USING (prompt_id)
JOIN "position" p ON p.response_id = s.response_id AND p.pos = s.pos
JOIN
    side a ON (a.comparison_id, a.response_id, a.number, a.side) = (s.comparison_id, s.response_id, s.number, 'aligned')
JOIN side b ON (b.comparison_id, b.response_id, b.number, b.side) = (s.comparison_id, s.response_id, s.number, 'base');

CREATE VIEW token_path_cover AS
WITH
    own AS (SELECT response_id, condition_id, count(*) AS base_n_tokens FROM retold GROUP BY ALL),
    laid AS (
        SELECT
            comparison_id,
            response_id,
            count(*) AS stretches,
            count(*) FILTER (n_tokens = 1 AND base_n_tokens = 1) AS one_to_one,
            sum(n_tokens)::BIGINT AS compared_tokens,
            sum(byte_end - byte_start)::BIGINT AS compared_bytes,
            coalesce(sum(byte_end - byte_start) FILTER (n_tokens = 1 AND base_n_tokens = 1), 0)::BIGINT
            AS one_to_one_bytes
        FROM stretch
        GROUP BY ALL
    )
SELECT
    comparison_id,
    r.prompt_id,
    cluster_id,
    r.response_id,
    r.n_tokens,
    coalesce(base_n_tokens, 0) AS base_n_tokens,
    strlen(r.text) AS n_bytes,
    coalesce(stretches, 0) AS stretches,
    coalesce(one_to_one, 0) AS one_to_one,
    coalesce(compared_tokens, 0) AS compared_tokens,
    coalesce(compared_bytes, 0) AS compared_bytes,
    coalesce(one_to_one_bytes, 0) AS one_to_one_bytes
FROM comparison c
JOIN response r USING (source)
JOIN prompt_cluster USING (prompt_id)
LEFT JOIN laid USING (comparison_id, response_id)
LEFT JOIN own ON own.response_id = r.response_id AND own.condition_id = c.base_condition_id
WHERE kind = 'tokenizers';
