-- Share of answers that are still the base's own greedy text after a number of tokens, with 95 % intervals
-- (Kaplan-Meier, Greenwood on the log-log scale; an answer cut before its end is censored there).
WITH
    curve AS (
        SELECT comparison_id, 0 AS tokens, 0 AS parted, count(*) AS here, 1.0::DOUBLE AS share, NULL AS greenwood
        FROM parting
        GROUP BY comparison_id
        UNION ALL
        SELECT DISTINCT comparison_id, tokens, parted, here, share, greenwood
        FROM parting
        WHERE tokens IS NOT NULL
        UNION ALL
        -- An answer that never parts leaves the last share standing.
        SELECT comparison_id, max(n_tokens), 0, NULL, min(share), max(greenwood)
        FROM parting
        GROUP BY comparison_id
        HAVING max(n_tokens) > coalesce(max(tokens), 0) AND count(*) > count(tokens)
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
JOIN comparison USING (comparison_id)
ORDER BY ordinal, tokens
