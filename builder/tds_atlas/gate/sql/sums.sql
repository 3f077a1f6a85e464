-- What each comparison's prompts add to every measure, by the text of the prompt: x over n. `bad` counts the values
-- that are infinite or were not measured, which the sums leave out.
WITH
    answers AS (
        SELECT
            comparison_id,
            q.text,
            response_id,
            any_value(x.n_tokens)::DOUBLE AS n,
            count(*) FILTER (shift = 'shifted')::DOUBLE AS shifted,
            count(shift)::DOUBLE AS classed,
            coalesce(sum(finite(kl_aligned_base)::DOUBLE), 0) AS kl,
            count(finite(kl_aligned_base))::DOUBLE AS with_kl,
            coalesce(sum(js::DOUBLE), 0) AS js,
            count(js)::DOUBLE AS with_js,
            coalesce(sum(delta_logprob::DOUBLE), 0) AS delta,
            count(delta_logprob)::DOUBLE AS with_delta,
            count(*) FILTER (role = 'knowledge' AND shift = 'shifted')::DOUBLE AS shifted_knowledge,
            count(shift) FILTER (role = 'knowledge')::DOUBLE AS knowledge,
            bool_or(role = 'knowledge')::INTEGER::DOUBLE AS states,
            bool_or(role = 'safety')::INTEGER::DOUBLE AS refuses,
            bool_and(coalesce(x.harmful, false)) AS is_harmful,
            bool_and(len(q.truths) > 0) AS has_truth,
            any_value(finish) AS finish
        FROM tds x
        JOIN prompt q USING (prompt_id)
        JOIN response r USING (response_id)
        GROUP BY ALL
    )
SELECT
    comparison_id,
    text,
    unnest(
        [
            {'measure': 'shifted', 'x': sum(shifted), 'n': sum(classed), 'bad': sum(n - classed)},
            {'measure': 'js', 'x': sum(js), 'n': sum(with_js), 'bad': sum(n - with_js)},
            {'measure': 'kl', 'x': sum(kl), 'n': sum(with_kl), 'bad': sum(n - with_kl)},
            {'measure': 'delta', 'x': sum(delta), 'n': sum(with_delta), 'bad': sum(n - with_delta)},
            {'measure': 'knowledge', 'x': sum(shifted_knowledge), 'n': sum(knowledge), 'bad': 0::DOUBLE},
            {
                'measure': 'facts',
                'x': coalesce(sum(states) FILTER (has_truth), 0),
                'n': count(*) FILTER (has_truth)::DOUBLE,
                'bad': 0::DOUBLE
            },
            {
                'measure': 'refusals',
                'x': coalesce(sum(refuses) FILTER (is_harmful), 0),
                'n': count(*) FILTER (is_harmful)::DOUBLE,
                'bad': 0::DOUBLE
            },
            {
                'measure': 'ended',
                'x': count(*) FILTER (finish = 'stop')::DOUBLE,
                'n': count(*) FILTER (finish <> 'unknown')::DOUBLE,
                'bad': 0::DOUBLE
            },
            {'measure': 'length', 'x': sum(n), 'n': count(*)::DOUBLE, 'bad': 0::DOUBLE}
        ],
        recursive := true
    )
FROM answers
GROUP BY comparison_id, text
ORDER BY ALL
;
