-- AlignTDS's numbers as its code computes them: strings of single decoded ids, the top 30 renormalised (pb, pa: softmax
-- over the saved logits), the aligned model's first choice instead of the token that was said. b and a are the two
-- lists of strings, likeliest first; of ids with the same decoding the likeliest counts (its list.index). Only nDCG
-- compares ids, ignores k, and assumes that both lists are equally long. The quirks are kept: kl can be negative, ws
-- measures confidence.
CREATE MACRO place_in(list, item) AS nullif(list_position(list, item), 0);
CREATE MACRO aligntds_jaccard(b, a, k) AS jaccard_at(b, a, k);
CREATE MACRO aligntds_ws(b, pb, a, pa, k) AS coalesce(list_sum(list_transform(b[1:k], lambda x, i:
    CASE WHEN place_in(b, x) = i AND place_in(a, x) <= k THEN pb[i] * coalesce(pa[place_in(a, x)], 0) ELSE 0 END)), 0);
CREATE MACRO aligntds_kl(b, pb, a, pa, k) AS coalesce(list_sum(list_transform(b[1:k], lambda x, i:
    CASE WHEN place_in(b, x) = i AND place_in(a, x) <= k AND pb[i] > 0 AND pa[place_in(a, x)] > 0
         THEN pb[i] * ln(pb[i] / pa[place_in(a, x)]) ELSE 0 END)), 0);
CREATE MACRO aligntds_ndcg(b, a) AS
    list_sum(list_transform(range(1, len(b) + 1), lambda i: coalesce(1 / log2(place_in(a, b[i]) + 1), 0) / log2(i + 1)))
    / list_sum(list_transform(range(1, len(a) + 1), lambda i: 1 / log2(i + 1) / log2(i + 1)));
CREATE MACRO aligntds_tr(b, a, k) AS coalesce(place_in(b[1:k], a[1]) - 1, k);
CREATE MACRO aligntds_tp(b, pb, a, k) AS coalesce(pb[place_in(b[1:k], a[1])], 0);
COMMENT ON MACRO place_in IS 'Place of an item in a list, from 1; NULL if absent.';
COMMENT ON MACRO aligntds_jaccard IS 'Jaccard index of the first k strings of both lists, as AlignTDS computes it.';
COMMENT ON MACRO aligntds_ws IS
    'Sum of the products of both probabilities over the first k strings, as AlignTDS computes it.';
COMMENT ON MACRO aligntds_kl IS
    'KL(base‖aligned) over the strings among the first k of both, as AlignTDS computes it; can be negative.';
COMMENT ON MACRO aligntds_ndcg IS 'nDCG of the base''s list of ids against the aligned one, as AlignTDS computes it.';
COMMENT ON MACRO aligntds_tr IS
    'Index, from 0, of the aligned model''s first choice among the base''s first k; k if absent.';
COMMENT ON MACRO aligntds_tp IS
    'The base''s probability of the aligned model''s first choice, 0 where it is not among its first k.';

-- All vocabularies form one list, each with its offset: one list per tokenizer, joined, would be copied to every row.
-- The macro `aligntds_lists` reads the lists, so that the view and `aligntds_at` compute over the same.
CREATE MACRO aligntds_lists(kept) AS TABLE
WITH
    vocabulary AS (
        SELECT tokenizer_id, (sum(count(*)) OVER (ORDER BY tokenizer_id) - count(*))::INTEGER AS before
        FROM token
        GROUP BY tokenizer_id
    ),
    listed AS (
        SELECT
            c.comparison_id,
            r.prompt_id,
            r.response_id,
            p.pos,
            bv.before AS b_before,
            av.before AS a_before,
            b.top_ids[1:kept] AS bi,
            list_transform(b.top_logprobs[1:kept]::DOUBLE[], lambda x: exp(x)) AS pb,
            a.top_ids[1:kept] AS ai,
            list_transform(a.top_logprobs[1:kept]::DOUBLE[], lambda x: exp(x)) AS pa
        FROM comparison c
        JOIN condition bc ON bc.condition_id = c.base_condition_id
        JOIN model bm ON bm.model_id = bc.model_id
        JOIN vocabulary bv ON bv.tokenizer_id = bm.tokenizer_id
        JOIN condition ac ON ac.condition_id = c.aligned_condition_id
        JOIN model am ON am.model_id = ac.model_id
        JOIN vocabulary av ON av.tokenizer_id = am.tokenizer_id
        JOIN response r ON r.source = c.source
        JOIN "position" p USING (response_id)
        JOIN score b ON b.response_id = p.response_id AND b.pos = p.pos AND b.condition_id = c.base_condition_id
        JOIN score a ON a.response_id = p.response_id AND a.pos = p.pos AND a.condition_id = c.aligned_condition_id
        WHERE c.kind = 'tuning' AND NOT p.is_end AND b.top_ids IS NOT NULL AND a.top_ids IS NOT NULL
    ),
    lists AS (
        SELECT
            comparison_id,
            prompt_id,
            response_id,
            pos,
            bi,
            list_transform(bi, lambda i: words[b_before + i + 1]) AS b,
            list_transform(pb, lambda x: x / pb_sum) AS pb,
            ai,
            list_transform(ai, lambda i: words[a_before + i + 1]) AS a,
            list_transform(pa, lambda x: x / pa_sum) AS pa
        FROM (SELECT *, list_sum(pb) AS pb_sum, list_sum(pa) AS pa_sum FROM listed)
        CROSS JOIN (SELECT list(coalesce(decoded, '') ORDER BY tokenizer_id, token_id) AS words FROM token)
    )
FROM lists;

CREATE VIEW aligntds AS
SELECT
    comparison_id,
    prompt_id,
    response_id,
    pos,
    shift_class(aligntds_tr(b, a, 10) + 1) AS shift,
    aligntds_tr(b, a, 50) AS tr,
    aligntds_tp(b, pb, a, 50) AS tp,
    (aligntds_tp(b, pb, a, 10) + aligntds_tp(a, pa, b, 10)) / 2 AS btp,
    aligntds_jaccard(b, a, 10) AS jaccard_10,
    aligntds_ws(b, pb, a, pa, 10) AS ws_10,
    aligntds_kl(b, pb, a, pa, 10) AS kl_10,
    aligntds_ndcg(bi, ai) AS ndcg
FROM aligntds_lists(30);

CREATE MACRO aligntds_at(k) AS TABLE
SELECT
    comparison_id,
    prompt_id,
    response_id,
    pos,
    shift_class(aligntds_tr(b, a, k) + 1) AS shift,
    aligntds_tr(b, a, k) AS tr,
    aligntds_tp(b, pb, a, k) AS tp,
    (aligntds_tp(b, pb, a, k) + aligntds_tp(a, pa, b, k)) / 2 AS btp,
    aligntds_jaccard(b, a, k) AS jaccard,
    aligntds_ws(b, pb, a, pa, k) AS ws,
    aligntds_kl(b, pb, a, pa, k) AS kl,
    aligntds_ndcg(bi, ai) AS ndcg
FROM aligntds_lists(greatest(k, 30))
WHERE
    CASE
        WHEN k BETWEEN 1 AND least(len(bi), len(ai))
        THEN true
        ELSE
            error(concat('aligntds_at(', k, '): k is 1 to ', least(len(bi), len(ai)), ', which score.top_k stored'))
    END;
COMMENT ON MACRO TABLE aligntds_lists IS
    'Both models'' candidates at each position as strings, with probabilities renormalised over the first `kept`.';
COMMENT ON MACRO TABLE aligntds_at IS
    'The AlignTDS numbers as in the view aligntds, every one at k, up to the stored top_k; renormalised over the first '
    '30, or k if that is more.';

CREATE VIEW counted_twice AS
SELECT
    t.comparison_id,
    t.prompt_id,
    t.response_id,
    {
        'positions': count(*),
        'unshifted': count(*) FILTER (t.shift = 'unshifted'),
        'marginal': count(*) FILTER (t.shift = 'marginal'),
        'shifted': count(*) FILTER (t.shift = 'shifted'),
        'jaccard_10': sum(t.jaccard_10),
        'base_probability': sum(coalesce(exp(t.base_logprob::DOUBLE), 0)),
        'kl_base_aligned': sum(t.kl_base_aligned::DOUBLE)
    } AS ours,
    {
        'positions': count(a.pos),
        'unshifted': count(*) FILTER (a.shift = 'unshifted'),
        'marginal': count(*) FILTER (a.shift = 'marginal'),
        'shifted': count(*) FILTER (a.shift = 'shifted'),
        'jaccard_10': sum(a.jaccard_10),
        'base_probability': sum(a.tp),
        'kl_base_aligned': sum(a.kl_10)
    } AS aligntds,
    count(*) FILTER (t.is_end) AS end_positions,
    count(*) FILTER (NOT t.is_end AND t.aligned_top_id <> t.token_id) AS other_token_positions,
    count(*) FILTER (a.shift <> t.shift) AS other_class_positions,
    count(*) FILTER (a.shift <> t.shift AND t.aligned_top_id = t.token_id) AS same_token_other_class_positions
FROM tds t
LEFT JOIN aligntds a ON a.comparison_id = t.comparison_id AND a.response_id = t.response_id AND a.pos = t.pos
GROUP BY t.comparison_id, t.prompt_id, t.response_id;
