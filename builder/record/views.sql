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
JOIN model am ON am.model_id = ac.model_id
JOIN condition bc ON bc.condition_id = c.base_condition_id
JOIN model bm ON bm.model_id = bc.model_id
LEFT JOIN token t ON t.tokenizer_id = am.tokenizer_id AND t.token_id = p.token_id
LEFT JOIN token bt ON bt.tokenizer_id = bm.tokenizer_id AND bt.token_id = b.top_ids[1]
LEFT JOIN token ct ON ct.tokenizer_id = am.tokenizer_id AND ct.token_id = a.top_ids[1]
WHERE c.kind = 'tuning';

COMMENT ON VIEW   tds                 IS 'THE flat record: one row per comparison x position. Start here. A/A checks are in noise.';
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
COMMENT ON COLUMN tds.base_logprob    IS 'ln p_base(o_t), nats; NULL where the base does not have the token.';
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

CREATE VIEW noise AS
SELECT c.comparison_id, c.base_condition_id AS condition_id, ac.arithmetic, r.prompt_id, r.response_id, p.pos,
       b.rank, a.rank AS rank_again, b.logprob, a.logprob AS logprob_again,
       shift_class(b.rank) <> shift_class(a.rank) AS class_flips, d.kl_aligned_base AS kl_again_first, d.js
FROM comparison c
JOIN condition ac ON ac.condition_id = c.aligned_condition_id
JOIN response r ON r.source = c.source
JOIN "position" p USING (response_id)
JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
JOIN divergence d ON d.response_id = p.response_id AND d.pos = p.pos AND d.comparison_id = c.comparison_id
WHERE c.kind = 'noise';

COMMENT ON VIEW   noise                IS 'A/A checks: one condition measured twice. What differs here is arithmetic, and the floor under every other difference.';
COMMENT ON COLUMN noise.comparison_id  IS 'The check; see comparison.';
COMMENT ON COLUMN noise.condition_id   IS 'The condition measured twice; see condition.';
COMMENT ON COLUMN noise.arithmetic     IS 'What was done otherwise the second time: rebatched, or a dtype.';
COMMENT ON COLUMN noise.prompt_id      IS 'The prompt; see prompt.';
COMMENT ON COLUMN noise.response_id    IS 'The response; see response.';
COMMENT ON COLUMN noise.pos            IS 'Index t; see position.';
COMMENT ON COLUMN noise.rank           IS 'Rank of o_t the first time.';
COMMENT ON COLUMN noise.rank_again     IS 'Rank of o_t the second time.';
COMMENT ON COLUMN noise.logprob        IS 'ln p(o_t) the first time, nats.';
COMMENT ON COLUMN noise.logprob_again  IS 'ln p(o_t) the second time, nats.';
COMMENT ON COLUMN noise.class_flips    IS 'Whether the position changes its class.';
COMMENT ON COLUMN noise.kl_again_first IS 'KL(second time‖first time), nats.';
COMMENT ON COLUMN noise.js             IS 'Jensen-Shannon divergence of the two, nats.';

CREATE VIEW split AS
WITH said AS (
    SELECT response_id, pos, model_id, context_id, logprob::DOUBLE AS logprob
    FROM score JOIN condition USING (condition_id) WHERE arithmetic = ''
)
SELECT c.comparison_id, r.prompt_id, aa.response_id, aa.pos,
       aa.logprob - bb.logprob AS delta,
       ba.logprob - bb.logprob AS context, aa.logprob - ba.logprob AS weights,
       ab.logprob - bb.logprob AS weights_first, aa.logprob - ab.logprob AS context_after,
       (aa.logprob - ba.logprob) - (ab.logprob - bb.logprob) AS interaction
FROM comparison c
JOIN response r ON r.source = c.source
JOIN condition b ON b.condition_id = c.base_condition_id
JOIN condition a ON a.condition_id = c.aligned_condition_id
JOIN said aa ON aa.response_id = r.response_id AND aa.model_id = a.model_id AND aa.context_id = a.context_id
JOIN said bb ON bb.response_id = aa.response_id AND bb.pos = aa.pos AND bb.model_id = b.model_id AND bb.context_id = b.context_id
LEFT JOIN said ba ON ba.response_id = aa.response_id AND ba.pos = aa.pos AND ba.model_id = b.model_id AND ba.context_id = a.context_id
LEFT JOIN said ab ON ab.response_id = aa.response_id AND ab.pos = aa.pos AND ab.model_id = a.model_id AND ab.context_id = b.context_id
WHERE c.kind = 'tuning';

COMMENT ON VIEW   split               IS 'What the weights changed and what the prompt changed: delta_logprob of tds as a sum of two, in both orders. One row per comparison x position; NULL where the report did not score the condition that it takes (conditions in the report file).';
COMMENT ON COLUMN split.comparison_id IS 'The comparison; see comparison.';
COMMENT ON COLUMN split.prompt_id     IS 'The prompt; see prompt.';
COMMENT ON COLUMN split.response_id   IS 'The response; see response.';
COMMENT ON COLUMN split.pos           IS 'Index t; see position.';
COMMENT ON COLUMN split.delta         IS 'ln p_aligned(o_t) - ln p_base(o_t), each model in its own context of the comparison; nats.';
COMMENT ON COLUMN split.context       IS 'Of it the prompt: the base model in the aligned context, less the base model in its own; nats.';
COMMENT ON COLUMN split.weights       IS 'Of it the weights: the aligned model less the base model, both in the aligned context; context + weights = delta; nats.';
COMMENT ON COLUMN split.weights_first IS 'In the other order, the weights: the aligned model less the base model, both in the base context; nats.';
COMMENT ON COLUMN split.context_after IS 'In the other order, the prompt: the aligned model in its own context, less the aligned model in the base context; weights_first + context_after = delta; nats.';
COMMENT ON COLUMN split.interaction   IS 'weights - weights_first: how much the two depend on one another; nats.';

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

-- AlignTDS's numbers as its code computes them: strings of single decoded ids, the top 30 renormalised (pb, pa: softmax over
-- the saved logits), the aligned model's first choice in the place of the token that was said. b and a are the two lists of
-- strings, likeliest first; of ids that decode alike the likeliest counts (its list.index). nDCG alone compares ids, ignores
-- k, and takes both lists to be equally long. Their quirks are theirs: kl can be negative, ws measures confidence.
CREATE MACRO place_in(list, item) AS nullif(list_position(list, item), 0);
CREATE MACRO aligntds_jaccard(b, a, k) AS jaccard_at(b, a, k);
CREATE MACRO aligntds_ws(b, pb, a, pa, k) AS coalesce(list_sum(list_transform(range(1, least(k, len(b)) + 1),
    lambda i: CASE WHEN place_in(b, b[i]) = i THEN pb[i] * coalesce(pa[place_in(a[1:k], b[i])], 0) ELSE 0 END)), 0);
CREATE MACRO aligntds_kl(b, pb, a, pa, k) AS coalesce(list_sum(list_transform(range(1, least(k, len(b)) + 1),
    lambda i: CASE WHEN place_in(b, b[i]) = i AND pb[i] > 0 AND pa[place_in(a[1:k], b[i])] > 0
                   THEN pb[i] * ln(pb[i] / pa[place_in(a[1:k], b[i])]) ELSE 0 END)), 0);
CREATE MACRO aligntds_ndcg(b, a) AS
    list_sum(list_transform(range(1, len(b) + 1), lambda i: coalesce(1 / log2(place_in(a, b[i]) + 1), 0) / log2(i + 1)))
    / list_sum(list_transform(range(1, len(a) + 1), lambda i: 1 / log2(i + 1) / log2(i + 1)));
CREATE MACRO aligntds_tr(b, a, k) AS coalesce(place_in(b[1:k], a[1]) - 1, k);
CREATE MACRO aligntds_tp(b, pb, a, k) AS coalesce(pb[place_in(b[1:k], a[1])], 0);

CREATE VIEW aligntds AS
WITH strings AS (
    SELECT tokenizer_id, list(coalesce(decoded, '') ORDER BY token_id) AS decoded FROM token GROUP BY tokenizer_id
), side AS (
    SELECT s.response_id, s.pos, s.condition_id, s.top_ids[1:30] AS ids, list_transform(s.top_ids[1:30], lambda i: t.decoded[i + 1]) AS words,
           list_transform(s.top_logprobs[1:30]::DOUBLE[], lambda x: exp(x)) AS p
    FROM score s JOIN condition USING (condition_id) JOIN model USING (model_id) JOIN strings t USING (tokenizer_id)
), renormalised AS (
    SELECT response_id, pos, condition_id, ids, words, list_transform(p, lambda x: x / total) AS p
    FROM (SELECT *, list_sum(p) AS total FROM side)
), lists AS (
    SELECT c.comparison_id, r.prompt_id, r.response_id, p.pos, b.ids AS bi, b.words AS b, b.p AS pb, a.ids AS ai, a.words AS a, a.p AS pa
    FROM comparison c
    JOIN response r ON r.source = c.source
    JOIN "position" p USING (response_id)
    JOIN renormalised b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
    JOIN renormalised a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
    WHERE c.kind = 'tuning' AND NOT p.is_end
)
SELECT comparison_id, prompt_id, response_id, pos,
       shift_class(aligntds_tr(b, a, 10) + 1) AS shift, aligntds_tr(b, a, 50) AS tr, aligntds_tp(b, pb, a, 50) AS tp,
       (aligntds_tp(b, pb, a, 10) + aligntds_tp(a, pa, b, 10)) / 2 AS btp,
       aligntds_jaccard(b, a, 10) AS jaccard_10, aligntds_ws(b, pb, a, pa, 10) AS ws_10,
       aligntds_kl(b, pb, a, pa, 10) AS kl_10, aligntds_ndcg(bi, ai) AS ndcg
FROM lists;

COMMENT ON VIEW   aligntds               IS 'AlignTDS''s numbers, as its code computes them, beside ours: one row per comparison x position but the end token, which it does not score.';
COMMENT ON COLUMN aligntds.comparison_id IS 'The comparison; see comparison.';
COMMENT ON COLUMN aligntds.prompt_id     IS 'The prompt; see prompt.';
COMMENT ON COLUMN aligntds.response_id   IS 'The response; see response.';
COMMENT ON COLUMN aligntds.pos           IS 'Index t; see position.';
COMMENT ON COLUMN aligntds.shift         IS 'Class by tr: unshifted (0), marginal (1-2), shifted (3 and more, or not in the list).';
COMMENT ON COLUMN aligntds.tr            IS 'Index, from 0, of the aligned model''s first choice in the base''s list, compared as strings; 50 where it is not there, as in its code, though the lists have 30.';
COMMENT ON COLUMN aligntds.tp            IS 'The base''s probability of the aligned model''s first choice, renormalised over its list; 0 where it is not there, as in its code.';
COMMENT ON COLUMN aligntds.btp           IS 'Mean of the base''s probability of the aligned model''s first choice and the reverse, each 0 where it is not among the first ten.';
COMMENT ON COLUMN aligntds.jaccard_10    IS 'Jaccard index of the first ten strings of both.';
COMMENT ON COLUMN aligntds.ws_10         IS 'Sum of the products of both renormalised probabilities over the first ten.';
COMMENT ON COLUMN aligntds.kl_10         IS 'KL(base‖aligned) over the strings that both have among their first ten, renormalised over the whole lists; can be negative.';
COMMENT ON COLUMN aligntds.ndcg          IS 'nDCG of the base''s list, relevance 1/log2(place in the aligned list + 1), places from 1; compared as ids, unlike the others.';
