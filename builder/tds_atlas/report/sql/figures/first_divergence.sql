-- Share of answers that are still the base's own greedy text after a number of tokens, with 95 % intervals
-- (Kaplan-Meier, Greenwood on the log-log scale; an answer cut before its end is censored there).
WITH
    answers AS (
        SELECT
            c.ordinal,
            c.label,
            t.response_id,
            min(pos) FILTER (base_rank > 1) + 1 AS parts,
            any_value(r.n_tokens) AS n_tokens,
            any_value(finish) AS finish
        FROM tds t
        JOIN comparison c USING (comparison_id)
        JOIN response r USING (response_id)
        WHERE r.condition_id = c.aligned_condition_id
        GROUP BY ALL
    ),
    leaving AS (
        SELECT ordinal, label, coalesce(parts, n_tokens) AS tokens, count(parts) AS parted, count(*) AS gone
        FROM answers
        WHERE parts IS NOT NULL OR finish <> 'stop'
        GROUP BY ALL
    ),
    at_risk AS (
        SELECT
            ordinal,
            label,
            tokens,
            parted,
            answers - coalesce(
                sum(gone) OVER (PARTITION BY ordinal ORDER BY tokens ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                0
            ) AS here
        FROM leaving
        JOIN (SELECT ordinal, count(*) AS answers FROM answers GROUP BY ALL) USING (ordinal)
    ),
    steps AS (
        SELECT
            ordinal,
            label,
            tokens,
            parted,
            here::BIGINT AS here,
            product(1 - parted / here) OVER w AS share,
            sum(parted / nullif(here * (here - parted), 0)) OVER w AS greenwood
        FROM at_risk
        WINDOW w AS (PARTITION BY ordinal ORDER BY tokens ROWS UNBOUNDED PRECEDING)
    ),
    ends AS (SELECT ordinal, label, max(n_tokens) AS tokens FROM answers GROUP BY ALL),
    curve AS (
        SELECT ordinal, label, 0 AS tokens, 0 AS parted, count(*) AS here, 1.0::DOUBLE AS share, NULL AS greenwood
        FROM answers
        GROUP BY ALL
        UNION ALL
        SELECT *
        FROM steps
        UNION ALL
        SELECT ordinal, label, e.tokens, 0, NULL, arg_max(share, s.tokens), arg_max(greenwood, s.tokens)
        FROM ends e
        JOIN steps s USING (ordinal, label)
        GROUP BY ALL
        HAVING e.tokens > max(s.tokens)
    )
SELECT
    label AS comparison,
    tokens,
    share,
    CASE WHEN share > 0 AND share < 1 THEN power(share, exp(z95() * sqrt(greenwood) / abs(ln(share)))) END AS low_share,
    CASE
        WHEN share > 0 AND share < 1 THEN power(share, exp(- z95() * sqrt(greenwood) / abs(ln(share))))
    END AS high_share,
    parted AS parted_answers,
    here AS answers_at_risk
FROM curve
ORDER BY ordinal, tokens
