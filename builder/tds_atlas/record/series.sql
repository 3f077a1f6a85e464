-- A training run: what each prompt adds to every measure at each step, on shared answers and on each step's own.

CREATE VIEW along_run AS
WITH
    answers AS (
        SELECT
            s.series,
            s.ordinal,
            s.step,
            s.answers,
            t.cluster_id,
            t.response_id,
            count(*)::DOUBLE AS n,
            count(*) FILTER (t.base_top_id IS DISTINCT FROM t.aligned_top_id)::DOUBLE AS changed,
            coalesce(min(t.pos) FILTER (t.base_top_id IS DISTINCT FROM t.aligned_top_id), count(*))::DOUBLE AS kept,
            coalesce(sum(t.js::DOUBLE), 0) AS js,
            count(t.js)::DOUBLE AS with_js,
            coalesce(sum(finite(t.kl_aligned_base)::DOUBLE), 0) AS kl,
            count(finite(t.kl_aligned_base))::DOUBLE AS with_kl,
            count(*) FILTER (t.shift = 'shifted')::DOUBLE AS shifted,
            list({'role': t.role, 'kl': finite(t.kl_aligned_base)::DOUBLE}) FILTER (
                isfinite(t.kl_aligned_base)
            ) AS by_role,
            count(*) FILTER (t.role = 'style')::DOUBLE AS style,
            bool_or(t.role = 'knowledge')::INTEGER::DOUBLE AS states,
            bool_or(t.role = 'safety')::INTEGER::DOUBLE AS refuses,
            bool_or(len(q.truths) > 0)::INTEGER::DOUBLE AS has_truth,
            coalesce(bool_or(t.harmful), false)::INTEGER::DOUBLE AS is_harmful,
            bool_or(list_contains(list_concat(t.tasks, t.topics), s.outside))::INTEGER::DOUBLE AS is_outside
        FROM series_step s
        JOIN tds t USING (comparison_id)
        JOIN prompt q ON q.prompt_id = t.prompt_id
        GROUP BY s.series, s.ordinal, s.step, s.answers, t.cluster_id, t.response_id
    ),
    measured AS (
        SELECT
            series,
            ordinal,
            step,
            answers,
            cluster_id,
            unnest(
                list_concat(
                    [
                        {'measure': 'first choice', 'part': 'all', 'x': changed, 'n': n},
                        {'measure': 'same until', 'part': 'all', 'x': kept, 'n': 1::DOUBLE},
                        {'measure': 'JS', 'part': 'all', 'x': js, 'n': with_js},
                        {'measure': 'KL', 'part': 'all', 'x': kl, 'n': with_kl},
                        {'measure': 'domain', 'part': 'outside', 'x': kl * is_outside, 'n': with_kl * is_outside},
                        {
                            'measure': 'domain',
                            'part': 'inside',
                            'x': kl * (1 - is_outside),
                            'n': with_kl * (1 - is_outside)
                        },
                        {'measure': 'said', 'part': 'shifted tokens', 'x': shifted, 'n': n},
                        {'measure': 'said', 'part': 'tokens of style', 'x': style, 'n': n},
                        {'measure': 'said', 'part': 'known facts stated', 'x': states * has_truth, 'n': has_truth},
                        {
                            'measure': 'said',
                            'part': 'harmful prompts refused',
                            'x': refuses * is_harmful,
                            'n': is_harmful
                        }
                    ],
                    list_transform(by_role, lambda p: {'measure': 'role', 'part': p.role, 'x': p.kl, 'n': 1::DOUBLE})
                ),
                recursive := true
            )
        FROM answers
    )
SELECT series, ordinal, step, answers, measure, part, cluster_id, sum(x)::DOUBLE AS x, sum(n)::DOUBLE AS n
FROM measured
GROUP BY ALL
HAVING sum(n) > 0;

CREATE MACRO run_curve(which, whose) AS TABLE
    SELECT
        series,
        CASE
            WHEN (SELECT count(DISTINCT series) FROM series_step) > 1
            THEN concat(series, CASE WHEN part = 'all' THEN '' ELSE ', ' || part END)
            WHEN part = 'all'
            THEN series
            ELSE part
        END AS line,
        part,
        ordinal,
        step,
        cluster_id,
        x,
        n
    FROM along_run
    WHERE measure = which AND answers = whose;
COMMENT ON MACRO TABLE run_curve IS
    'What each prompt adds to a measure of along_run at each step, on shared or own answers: FROM run_curve(''JS'', '
    '''shared'').';
