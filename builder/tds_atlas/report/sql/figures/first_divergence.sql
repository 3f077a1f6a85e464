-- Share of answers that are still the base's own greedy text after a number of tokens, with 95 % intervals
-- (Kaplan-Meier, Greenwood on the log-log scale; an answer cut before its end is censored there).
WITH
    answer AS MATERIALIZED(FROM parting),
    curve AS (
        SELECT comparison_id, 0 AS tokens, 0 AS parted, count(*) AS here, 1.0::DOUBLE AS share, 0 AS greenwood
        FROM answer
        GROUP BY comparison_id
        UNION ALL
        SELECT DISTINCT comparison_id, tokens, parted, here, share, greenwood
        FROM answer
        WHERE tokens IS NOT NULL
        UNION ALL
        -- An answer that never parts leaves the last share standing.
        SELECT comparison_id, max(n_tokens), 0, NULL, min(share), max(greenwood)
        FROM answer
        GROUP BY comparison_id
        HAVING max(n_tokens) > coalesce(max(tokens), 0) AND count(*) > count(tokens)
    ),
    -- Greenwood's is the sum over answers of squared influences; those on one prompt's text move together.
    influence AS (
        SELECT
            c.comparison_id,
            c.tokens,
            r.cluster_id,
            CASE WHEN r.parts AND r.tokens <= c.tokens THEN coalesce(1 / nullif(r.here - r.parted, 0), 0) ELSE 0 END
            - least(r.greenwood, c.greenwood) AS e
        FROM curve c
        JOIN
            (FROM answer QUALIFY count(*) OVER (PARTITION BY comparison_id, cluster_id) > 1) r
            ON r.comparison_id = c.comparison_id
    ),
    together AS (
        SELECT comparison_id, tokens, sum(more) AS more
        FROM
            (
                SELECT comparison_id, tokens, cluster_id, power(sum(e), 2) - sum(e * e) AS more
                FROM influence
                GROUP BY ALL
            )
        GROUP BY ALL
    ),
    -- Where all answers are on one prompt's text, the influences cancel, and nothing is known.
    spread AS (
        SELECT
            *,
            z95()
            * CASE WHEN greenwood + coalesce(more, 0) > 1e-9 * greenwood THEN sqrt(greenwood + coalesce(more, 0)) END
            / abs(ln(CASE WHEN share > 0 AND share < 1 THEN share END)) AS wide
        FROM curve
        LEFT JOIN together USING (comparison_id, tokens)
    )
SELECT
    label AS comparison,
    tokens,
    share,
    power(share, exp(wide)) AS low_share,
    power(share, exp(- wide)) AS high_share,
    parted AS parted_answers,
    here AS answers_at_risk
FROM spread
JOIN comparison USING (comparison_id)
ORDER BY ordinal, tokens
