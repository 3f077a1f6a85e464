-- What must hold for every record: the violations of each check, and how many were checked.
WITH
    asked AS (
        SELECT source, base_condition_id AS condition_id
        FROM comparison
        WHERE kind <> 'tokenizers'
        UNION
        SELECT source, aligned_condition_id
        FROM comparison
        UNION
        SELECT DISTINCT r.source, s.condition_id
        FROM score s
        JOIN response r USING (response_id)
    ),
    place AS (
        SELECT response_id, any_value(source) AS source, count(*)::INTEGER AS n
        FROM response
        JOIN "position" USING (response_id)
        GROUP BY response_id
    ),
    recorded AS (
        SELECT 'score' AS kind, n, found
        FROM asked
        JOIN place USING (source)
        LEFT JOIN
            (SELECT response_id, condition_id, list(pos) AS found FROM score GROUP BY ALL) USING (
                response_id, condition_id
            )
        UNION ALL
        SELECT 'divergence', n, found
        FROM comparison
        JOIN place USING (source)
        LEFT JOIN
            (SELECT response_id, comparison_id, list(pos) AS found FROM divergence GROUP BY ALL) USING (
                response_id, comparison_id
            )
        WHERE comparison.kind <> 'tokenizers'
    ),
    counted AS (
        -- That each occurs once is quick to test; only where it fails are the positions counted one by one.
        SELECT
            kind,
            n,
            CASE
                WHEN len(found) = n AND list_unique(found) = n AND list_max(found) < n
                THEN n
                ELSE
                    coalesce(
                        len(
                            list_filter(
                                map_values(list_aggregate(list_filter(found, lambda p: p < n), 'histogram')),
                                lambda x: x = 1
                            )
                        ),
                        0
                    )
            END AS once
        FROM recorded
    ),
    written AS (
        SELECT
            any_value(r.n_tokens) <> count(p.pos)
            OR sum(p.char_end - p.char_start) IS DISTINCT FROM length(any_value(r.text)) AS wrong
        FROM response r
        LEFT JOIN "position" p USING (response_id)
        GROUP BY r.response_id
    ),
    found AS (
        SELECT
            1 AS place,
            'positions x conditions without exactly one score' AS "check",
            sum(n - once)::BIGINT AS violations,
            sum(n)::BIGINT AS total
        FROM counted
        WHERE kind = 'score'
        UNION ALL
        SELECT 2, 'positions x comparisons without exactly one divergence', sum(n - once)::BIGINT, sum(n)::BIGINT
        FROM counted
        WHERE kind = 'divergence'
        UNION ALL
        SELECT 3, 'answers whose tokens do not add up to their text', count(*) FILTER (wrong), count(*)
        FROM written
        UNION ALL
        SELECT
            4,
            'divergences with a KL below 0',
            count(*) FILTER (
                NOT (
                    coalesce(kl_aligned_base, kl_aligned_base_lower) >= 0
                    AND coalesce(kl_base_aligned, kl_base_aligned_lower) >= 0
                )
            ),
            count(*)
        FROM divergence
        UNION ALL
        SELECT
            5,
            'divergences with a JS below 0 or above ln 2',
            count(*) FILTER (NOT (coalesce(js, js_lower) >= 0 AND coalesce(js, js_upper) <= ln(2) + 1e-6)),
            count(*)
        FROM divergence
        UNION ALL
        SELECT
            6,
            'divergences that were further out of their range than 1e-5 nats before they were put back',
            count(*) FILTER (NOT clamped <= 1e-5),
            count(clamped)
        FROM divergence
        UNION ALL
        SELECT 7, 'scores with a probability above 1', count(*) FILTER (NOT logprob <= 0), count(logprob)
        FROM score
        UNION ALL
        SELECT
            8,
            'scores with an entropy outside 0 to ln of the vocabulary',
            count(*) FILTER (
                NOT (
                    coalesce(entropy, entropy_lower) >= 0 AND coalesce(entropy, entropy_upper) <= ln(vocab_size) + 1e-4
                )
            ),
            count(*)
        FROM score
        JOIN condition USING (condition_id)
        JOIN model USING (model_id)
        UNION ALL
        SELECT
            9,
            'top lists that are not sorted',
            count(*) FILTER (top_logprobs <> list_reverse_sort(top_logprobs)),
            count(top_logprobs)
        FROM score
        UNION ALL
        SELECT
            10,
            'tokens of rank 1 less likely than the first of the top list',
            count(*) FILTER (abs(logprob - coalesce(top_logprobs[1], top_logprob)) > 1e-4),
            count(coalesce(top_logprobs[1], top_logprob))
        FROM score
        WHERE rank = 1
        UNION ALL
        SELECT
            12,
            'bounds of JS or of KL with the lower above the upper',
            count(*) FILTER (
                js_lower > js_upper
                OR kl_aligned_base_lower > kl_aligned_base_upper
                OR kl_base_aligned_lower > kl_base_aligned_upper
            ),
            count(js_lower) FILTER (js IS NULL)
        FROM divergence
        UNION ALL
        SELECT
            13,
            'stretches that do not begin, in bytes and in the tokens of both sides, where the one before ends',
            count(*) FILTER (
                (byte_start, pos, base_pos) IS DISTINCT FROM (before.byte_end, before.pos, before.base_pos)
            ),
            count(*)
        FROM
            (
                SELECT
                    *,
                    coalesce(
                        lag({'byte_end': byte_end, 'pos': pos + n_tokens, 'base_pos': base_pos + base_n_tokens}) OVER (
                            PARTITION BY comparison_id, response_id ORDER BY number
                        ),
                        {'byte_end': 0, 'pos': 0, 'base_pos': 0}
                    ) AS before
                FROM stretch
            )
        UNION ALL
        SELECT
            11,
            'splits whose terms do not sum to the whole',
            count(*) FILTER (
                abs(context + weights - delta) > 1e-9 OR abs(weights_first + context_after - delta) > 1e-9
            ),
            count(weights)
        FROM split
    )
SELECT "check", violations, total
FROM found
WHERE total > 0
ORDER BY place
