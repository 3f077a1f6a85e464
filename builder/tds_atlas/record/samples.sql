-- Several samples of each answer: how far they are apart, against prompts and against models.

-- By windows, as a part that is used twice never returns under a LIMIT in DuckDB 2.0. Components of variance: within
-- a prompt pooled; between prompts (mean square between - mean square within) / m0, m0 being how many samples a prompt
-- has where all have as many; between comparisons the variance of their means at one prompt less what samples put in.
CREATE VIEW sample_spread AS
WITH
    answer AS (
        SELECT
            comparison_id,
            e.prompt_id,
            unnest(
                [
                    {'place': 1, 'measure': 'shifted', 'unit': 'share', 'y': shifted_share},
                    {'place': 2, 'measure': 'JS', 'unit': 'nats', 'y': mean_js_nats}
                ],
                recursive := true
            )
        FROM example e
        JOIN response r USING (response_id)
        WHERE r.sample IS NULL OR try_cast(r.sample AS INTEGER) IS NOT NULL
    ),
    of_prompt AS (
        SELECT comparison_id, prompt_id, place, measure, unit, count(y) AS m, avg(y) AS mean, var_samp(y) AS variance
        FROM answer
        GROUP BY ALL
        HAVING count(y) > 1
    ),
    shared AS (
        SELECT *, count(*) OVER one AS models, var_samp(mean) OVER one - avg(variance / m) OVER one AS apart
        FROM of_prompt
        WINDOW one AS (PARTITION BY prompt_id, place)
    ),
    pooled AS (
        SELECT
            *,
            sum(apart / models) FILTER (models > 1) OVER (PARTITION BY place)
            / sum(1 / models) FILTER (models > 1) OVER (PARTITION BY place) AS of_models
        FROM shared
    ),
    squares AS (
        SELECT
            comparison_id,
            place,
            measure,
            unit,
            count(*) AS prompts,
            sum(m)::BIGINT AS answers,
            sum(m * mean) / sum(m) AS mean,
            sum((m - 1) * variance) / sum(m - 1) AS within,
            (sum(m * mean * mean) - power(sum(m * mean), 2) / sum(m)) / nullif(count(*) - 1, 0) AS BETWEEN,
            (sum(m) - sum(m * m) / sum(m)) / nullif(count(*) - 1, 0) AS m0,
            any_value(of_models) AS of_models
        FROM pooled
        GROUP BY ALL
    )
SELECT
    comparison_id,
    place,
    measure,
    unit,
    prompts,
    answers,
    mean,
    sqrt(within) AS between_samples,
    CASE WHEN BETWEEN IS NOT NULL THEN sqrt(greatest(BETWEEN - within, 0) / m0) END AS between_prompts,
    CASE WHEN of_models IS NOT NULL THEN sqrt(greatest(of_models, 0)) END AS between_models
FROM squares;
