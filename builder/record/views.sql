-- What the records mean: views and macros over the tables of schema.sql.

CREATE MACRO shift_class(rank) AS
    CASE WHEN rank = 1 THEN 'unshifted' WHEN rank <= 3 THEN 'marginal' WHEN rank > 3 THEN 'shifted' END;
CREATE MACRO jaccard_at(a, b, k) AS
    len(list_intersect(a[1:k], b[1:k])) / len(list_distinct(list_concat(a[1:k], b[1:k])));
CREATE MACRO token_text(id) AS TABLE
    SELECT DISTINCT text FROM token WHERE token_id = id;

CREATE VIEW tds AS
SELECT
    c.comparison_id, r.prompt_id, r.response_id, p.pos,
    p.token_id, t.text AS token, t.is_word_start, p.is_end,
    shift_class(b.rank) AS shift,
    b.rank AS base_rank, a.rank AS aligned_rank,
    b.logprob AS base_logprob, a.logprob AS aligned_logprob,
    a.logprob - b.logprob AS delta_logprob,
    b.entropy AS base_entropy, a.entropy AS aligned_entropy,
    d.kl_aligned_base, d.kl_base_aligned, d.js,
    b.top_ids[1] AS base_top_id, bt.text AS base_top,
    a.top_ids[1] AS aligned_top_id, ct.text AS aligned_top,
    r.n_tokens, q.tasks, q.topics, q.harmful
FROM comparison c
JOIN response r ON r.source = c.source
JOIN prompt q USING (prompt_id)
JOIN "position" p USING (response_id)
JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
JOIN divergence d ON d.response_id = p.response_id AND d.pos = p.pos AND d.comparison_id = c.comparison_id
JOIN condition ac ON ac.condition_id = c.aligned_condition_id
JOIN model m ON m.model_id = ac.model_id
LEFT JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = p.token_id
LEFT JOIN token bt ON bt.tokenizer_id = m.tokenizer_id AND bt.token_id = b.top_ids[1]
LEFT JOIN token ct ON ct.tokenizer_id = m.tokenizer_id AND ct.token_id = a.top_ids[1];

COMMENT ON VIEW   tds                 IS 'THE flat record: one row per comparison x position. Start here.';
COMMENT ON COLUMN tds.comparison_id   IS 'The comparison; see comparison.';
COMMENT ON COLUMN tds.prompt_id       IS 'The prompt; see prompt.';
COMMENT ON COLUMN tds.response_id     IS 'The response; see response.';
COMMENT ON COLUMN tds.pos             IS 'Index t of the token in the response, from 0.';
COMMENT ON COLUMN tds.token_id        IS 'Id o_t of the response token.';
COMMENT ON COLUMN tds.token           IS 'What the token writes, leading space kept.';
COMMENT ON COLUMN tds.is_word_start   IS 'Whether the token begins a word.';
COMMENT ON COLUMN tds.is_end          IS 'Whether this is the end token.';
COMMENT ON COLUMN tds.shift           IS 'Class of base_rank: unshifted (1), marginal (2-3), shifted (> 3).';
COMMENT ON COLUMN tds.base_rank       IS 'Rank eta of o_t under the base condition, from 1.';
COMMENT ON COLUMN tds.aligned_rank    IS 'Rank of o_t under the aligned condition, from 1.';
COMMENT ON COLUMN tds.base_logprob    IS 'ln p_base(o_t), nats.';
COMMENT ON COLUMN tds.aligned_logprob IS 'ln p_aligned(o_t), nats.';
COMMENT ON COLUMN tds.delta_logprob   IS 'ln p_aligned(o_t) - ln p_base(o_t), nats; positive where tuning promoted the token.';
COMMENT ON COLUMN tds.base_entropy    IS 'Entropy of the base distribution, nats.';
COMMENT ON COLUMN tds.aligned_entropy IS 'Entropy of the aligned distribution, nats.';
COMMENT ON COLUMN tds.kl_aligned_base IS 'KL(aligned‖base), full vocabulary, nats.';
COMMENT ON COLUMN tds.kl_base_aligned IS 'KL(base‖aligned), full vocabulary, nats.';
COMMENT ON COLUMN tds.js              IS 'Jensen-Shannon divergence, nats, at most ln 2.';
COMMENT ON COLUMN tds.base_top_id     IS 'Id of the token the base likes best here.';
COMMENT ON COLUMN tds.base_top        IS 'Text of the token the base likes best here.';
COMMENT ON COLUMN tds.aligned_top_id  IS 'Id of the token the aligned model likes best here.';
COMMENT ON COLUMN tds.aligned_top     IS 'Text of the token the aligned model likes best here.';
COMMENT ON COLUMN tds.n_tokens        IS 'Number of positions of the response.';
COMMENT ON COLUMN tds.tasks           IS 'Task tags of the prompt.';
COMMENT ON COLUMN tds.topics          IS 'Topic tags of the prompt.';
COMMENT ON COLUMN tds.harmful         IS 'Whether the prompt is harmful; NULL where unknown.';

CREATE VIEW candidate AS
SELECT s.response_id, s.pos, s.condition_id, i AS place, s.top_ids[i] AS token_id, t.text AS token,
       s.top_logprobs[i] AS logprob, exp(s.top_logprobs[i]) AS probability
FROM score s
JOIN condition c USING (condition_id)
JOIN model m USING (model_id)
CROSS JOIN LATERAL unnest(range(1, len(s.top_ids) + 1)) AS u(i)
LEFT JOIN token t ON t.tokenizer_id = m.tokenizer_id AND t.token_id = s.top_ids[i];

COMMENT ON VIEW   candidate              IS 'The top-k lists of score, one row per candidate.';
COMMENT ON COLUMN candidate.response_id  IS 'The response; see response.';
COMMENT ON COLUMN candidate.pos          IS 'Index t; see position.';
COMMENT ON COLUMN candidate.condition_id IS 'The condition asked; see condition.';
COMMENT ON COLUMN candidate.place        IS 'Place in the list, from 1.';
COMMENT ON COLUMN candidate.token_id     IS 'Id of the candidate.';
COMMENT ON COLUMN candidate.token        IS 'What the candidate writes.';
COMMENT ON COLUMN candidate.logprob      IS 'Its natural log-probability, full softmax.';
COMMENT ON COLUMN candidate.probability  IS 'exp(logprob).';

CREATE VIEW example AS
SELECT comparison_id, response_id, prompt_id, any_value(n_tokens) AS n_tokens,
       count(*) FILTER (shift = 'unshifted') / count(*) AS unshifted_share,
       count(*) FILTER (shift = 'marginal') / count(*) AS marginal_share,
       count(*) FILTER (shift = 'shifted') / count(*) AS shifted_share,
       avg(kl_aligned_base) AS mean_kl_aligned_base_nats,
       avg(js) AS mean_js_nats,
       avg(delta_logprob) AS mean_delta_logprob_nats,
       max(base_rank) AS max_base_rank,
       min(pos) FILTER (shift = 'shifted') AS first_shifted_pos
FROM tds GROUP BY comparison_id, response_id, prompt_id;

COMMENT ON VIEW   example                           IS 'One row per comparison x response.';
COMMENT ON COLUMN example.comparison_id             IS 'The comparison; see comparison.';
COMMENT ON COLUMN example.response_id               IS 'The response; see response.';
COMMENT ON COLUMN example.prompt_id                 IS 'The prompt; see prompt.';
COMMENT ON COLUMN example.n_tokens                  IS 'Number of positions.';
COMMENT ON COLUMN example.unshifted_share           IS 'Share of positions with base rank 1.';
COMMENT ON COLUMN example.marginal_share            IS 'Share of positions with base rank 2 or 3.';
COMMENT ON COLUMN example.shifted_share             IS 'Share of positions with base rank above 3.';
COMMENT ON COLUMN example.mean_kl_aligned_base_nats IS 'Mean KL(aligned‖base) over the positions, nats.';
COMMENT ON COLUMN example.mean_js_nats              IS 'Mean Jensen-Shannon divergence, nats.';
COMMENT ON COLUMN example.mean_delta_logprob_nats   IS 'Mean ln p_aligned(o_t) - ln p_base(o_t), nats.';
COMMENT ON COLUMN example.max_base_rank             IS 'Largest base rank.';
COMMENT ON COLUMN example.first_shifted_pos         IS 'First shifted position, from 0; NULL where none is.';

-- 95 % intervals clustered by prompt, in closed form. Both macros are aggregates over one row per prompt: x the prompt's
-- sum of the quantity, n its number of positions. mean = Σx/Σn, var = G/(G-1) · Σ(x_g - mean·n_g)² / (Σn)².
-- The half width is NULL for a single prompt: one cluster says nothing of its spread.
CREATE MACRO clustered_mean(x, n) AS sum(x) / sum(n);
CREATE MACRO clustered_half_width(x, n) AS
    CASE WHEN count(*) > 1 THEN 1.959964 * sqrt(greatest(0,
        count(*) / (count(*) - 1.0)
        * (sum(x * x) - 2 * sum(x) / sum(n) * sum(x * n) + power(sum(x) / sum(n), 2) * sum(n * n))
    )) / sum(n) END;
-- A bound of an interval kept within what the quantity can be; NULL stays NULL (greatest and least would drop it).
CREATE MACRO kept_within(x, low, high) AS
    CASE WHEN x IS NOT NULL THEN least(greatest(x, low), coalesce(high, 'Infinity'::DOUBLE)) END;
