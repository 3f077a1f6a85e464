-- What both models' lists of likeliest tokens share, how much probability that holds, and what the base favours.

CREATE MACRO support_at(size) AS TABLE
WITH
    listed AS (
        SELECT
            kind,
            comparison_id,
            prompt_id,
            response_id,
            pos,
            least(size, len(base_ids), len(aligned_ids))::INTEGER AS k,
            list_transform(base_ids, lambda id_: nullif(list_position(aligned_ids, id_), 0)) AS places,
            list_transform(base_logprobs, lambda l_: exp(l_::DOUBLE)) AS pb,
            list_transform(aligned_logprobs, lambda l_: exp(l_::DOUBLE)) AS pa
        FROM paired
        WHERE len(base_ids) > 0 AND len(aligned_ids) > 0
    ),
    -- A token that the aligned list leaves out has at most the probability of the list's last.
    capped AS (SELECT *, list_transform(places, lambda place_: pa[coalesce(place_, len(pa))]) AS at_most FROM listed)
SELECT
    kind,
    comparison_id,
    prompt_id,
    response_id,
    pos,
    k,
    len(list_filter(places[1:k], lambda place_: place_ <= k))::INTEGER AS shared,
    least(
        1,
        list_sum(list_transform(places[1:k], lambda place_, i_: CASE WHEN place_ <= k THEN pb[i_] ELSE 0 END))
    ) AS base_mass,
    least(
        1, list_sum(list_transform(places[1:k], lambda place_: CASE WHEN place_ <= k THEN pa[place_] ELSE 0 END))
    ) AS aligned_mass,
    least(
        1, list_sum(list_transform(pb, lambda p_, i_: CASE WHEN p_ > at_most[i_] THEN p_ ELSE 0 END))
    ) AS favoured_base,
    least(
        1, list_sum(list_transform(pb, lambda p_, i_: CASE WHEN p_ > at_most[i_] THEN at_most[i_] ELSE 0 END))
    ) AS favoured_aligned
FROM capped;
CREATE VIEW support AS
FROM support_at(10);

CREATE VIEW support_said AS
SELECT s.*, t.cluster_id, t.role, t.segment, t.segment_pos
FROM support s
JOIN tds t ON t.comparison_id = s.comparison_id AND t.response_id = s.response_id AND t.pos = s.pos;

-- Words with which a text decides how it goes on. The position is that of a word's first token.
CREATE MACRO decision_words() AS [
    'however', 'wait', 'so', 'first', 'let', 'but', 'now', 'then', 'next', 'therefore', 'because', 'instead',
    'actually', 'alternatively', 'maybe', 'perhaps', 'finally', 'thus', 'hmm', 'okay'
];
CREATE MACRO decisions(words := decision_words()) AS TABLE
SELECT
    w.comparison_id,
    w.cluster_id,
    w.response_id,
    w.pos,
    regexp_extract(lower(w.word), '[\p{L}]+') AS word,
    list_contains(words, regexp_extract(lower(w.word), '[\p{L}]+')) AS decides,
    t.js >= quantile_disc(t.js, 0.9) OVER (PARTITION BY w.comparison_id) AND t.js > 0 AS disagrees
FROM word w
JOIN tds t ON t.comparison_id = w.comparison_id AND t.response_id = w.response_id AND t.pos = w.pos
WHERE t.js IS NOT NULL;
COMMENT ON MACRO TABLE support_at IS
    'The view support for another number of likeliest tokens than ten: FROM support_at(5).';
COMMENT ON MACRO decision_words IS
    'Words with which a text decides how it goes on: however, wait, so, first, let, ….';
COMMENT ON MACRO TABLE decisions IS
    'The words of the answers: whether each is in a list (decides), and whether JS where it begins is in a '
    'comparison''s upper tenth (disagrees): FROM decisions(), FROM decisions(words := [''first'', ''second'']).';
