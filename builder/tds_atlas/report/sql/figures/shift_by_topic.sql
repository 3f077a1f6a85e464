-- Share of shifted tokens by the topic of the prompt, with 95 % intervals clustered by prompt. Filled: it differs from
-- the comparison's overall share (dashed) with a false discovery rate of 5 %.
WITH
    whole AS (
        SELECT comparison_id, prompt_id, count(*) AS n, count(*) FILTER (shift = 'shifted')::DOUBLE AS x
        FROM tds
        GROUP BY ALL
    ),
    overall AS (SELECT comparison_id, sum(x) / sum(n) AS share, sum(n) AS size FROM whole GROUP BY ALL),
    residual AS (
        SELECT comparison_id, prompt_id, n, x, share, size, x - share * n AS r
        FROM whole
        JOIN overall USING (comparison_id)
    ),
    spread AS (SELECT comparison_id, sum(r * r) AS rr FROM residual GROUP BY ALL),
    tagged AS (
        SELECT DISTINCT comparison_id, prompt_id, tag
        FROM whole
        JOIN prompt USING (prompt_id)
        CROSS JOIN LATERAL unnest(topics) AS tags(tag)
    ),
    tested AS (
        SELECT
            comparison_id,
            tag,
            count(*) AS prompts,
            sum(n)::BIGINT AS positions,
            share AS overall,
            clustered_mean(x, n) AS ratio,
            clustered_half_width(x, n) AS half,
            sum(r) AS excess,
            -- The variance of that excess: each prompt's own less its part in the overall share, which the tag is in
            -- too.
            CASE
                WHEN count(*) > 1
                THEN count(*) / (count(*) - 1.0) * ((1 - 2 * sum(n) / size) * sum(r * r) + power(sum(n) / size, 2) * rr)
            END AS variance
        FROM tagged
        JOIN residual USING (comparison_id, prompt_id)
        JOIN spread USING (comparison_id)
        GROUP BY comparison_id, tag, share, size, rr
    ),
    ranked AS (
        SELECT
            *,
            CASE WHEN variance > 0 THEN normal_p(excess / sqrt(variance)) ELSE 1 END AS p,
            row_number() OVER (PARTITION BY comparison_id ORDER BY p, tag) AS place,
            count(*) OVER (PARTITION BY comparison_id) AS tests
        FROM tested
    )
-- Benjamini-Hochberg; where all or no tokens are shifted, the bound is Wilson's for as many prompts.
SELECT
    label AS comparison,
    tag AS topic,
    ratio AS share,
    CASE WHEN ratio = 1 THEN prompts / (prompts + 3.8415) ELSE kept_within(ratio - half, 0, 1) END AS low_share,
    CASE WHEN ratio = 0 THEN 3.8415 / (prompts + 3.8415) ELSE kept_within(ratio + half, 0, 1) END AS high_share,
    overall AS overall_share,
    min(p * tests / place) OVER (PARTITION BY comparison_id ORDER BY place DESC) <= 0.05 AS stands_out,
    round(p, 6) AS p,
    prompts,
    positions / prompts AS tokens_per_prompt,
    max(ratio) OVER (PARTITION BY tag) AS highest
FROM ranked
JOIN comparison USING (comparison_id)
ORDER BY highest DESC, tag, ordinal
