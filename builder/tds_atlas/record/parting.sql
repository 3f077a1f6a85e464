-- How long an answer is the base's own greedy text: Kaplan and Meier's curve, and the mean up to a horizon.

-- By windows alone, an answer a row: DuckDB 2.0 merges equal parts of a query, and a LIMIT over such a part never
-- returns. Time is the number of a token: an answer parts at the first token that is not the base's first choice. One
-- that was cut before is known up to its last token only, and one that ended as the base would have ended never parts.
CREATE VIEW parting AS
WITH
    answer AS (
        SELECT
            comparison_id,
            t.prompt_id,
            cluster_id,
            response_id,
            any_value(r.n_tokens) AS n_tokens,
            count(*) FILTER (base_rank > 1) > 0 AS parts,
            coalesce(
                min(pos + 1) FILTER (base_rank > 1),
                CASE any_value(finish) WHEN 'stop' THEN 1000000000 ELSE any_value(r.n_tokens) END
            ) AS known
        FROM tds t
        JOIN comparison c USING (comparison_id)
        JOIN response r USING (response_id)
        WHERE r.condition_id = c.aligned_condition_id AND r.temperature IS NULL
        GROUP BY comparison_id, t.prompt_id, cluster_id, response_id
    ),
    at_risk AS (
        SELECT
            *,
            count(*) OVER (PARTITION BY comparison_id) AS answers,
            median(n_tokens) OVER (PARTITION BY comparison_id) AS middle,
            max(known) OVER (PARTITION BY comparison_id) AS last,
            min(known) OVER (PARTITION BY comparison_id) AS first,
            min(known) OVER (
                PARTITION BY comparison_id ORDER BY known RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
            ) AS next,
            count(*) OVER (PARTITION BY comparison_id, known) AS tied,
            count(*) FILTER (parts) OVER (PARTITION BY comparison_id, known) AS parted,
            count(*) OVER (PARTITION BY comparison_id ORDER BY known DESC) AS here
        FROM answer
    ),
    curve AS (
        -- Each of the answers that part at a token makes its part of the step.
        SELECT
            *,
            CASE
                WHEN bool_or(parted = here) OVER upto
                THEN 0
                ELSE
                    exp(
                        coalesce(
                            sum(CASE WHEN parts AND parted < here THEN ln(1 - parted / here) / parted END) OVER upto, 0
                        )
                    )
            END AS share,
            coalesce(sum(CASE WHEN parts THEN 1 / nullif(here * (here - parted), 0) END) OVER upto, 0) AS greenwood
        FROM at_risk
        WINDOW upto AS (PARTITION BY comparison_id ORDER BY known)
    ),
    limited AS (
        SELECT
            *, min(least(floor(middle), CASE WHEN known = last AND share > 0 THEN last END)) OVER ()::INTEGER AS horizon
        FROM curve
    ),
    areas AS (
        -- What is below the curve from this token to the next, as far as the horizon.
        SELECT *, share * greatest(0, least(coalesce(next, horizon + 1), horizon + 1) - known) / tied AS area
        FROM limited
    ),
    measured AS (
        SELECT
            *,
            sum(area) OVER (PARTITION BY comparison_id ORDER BY known DESC) AS beyond,
            least(first, horizon + 1) - 1 + sum(area) OVER (PARTITION BY comparison_id) AS mean
        FROM areas
    )
SELECT
    comparison_id,
    prompt_id,
    cluster_id,
    response_id,
    n_tokens,
    parts,
    CASE WHEN known < 1000000000 THEN known END AS tokens,
    parted::BIGINT AS parted,
    here::BIGINT AS here,
    share,
    greenwood,
    horizon,
    mean
    - answers * coalesce(CASE WHEN parts THEN beyond / nullif(here - parted, 0) END, 0)
    + answers
    * coalesce(sum(CASE WHEN parts THEN beyond / nullif(here * (here - parted), 0) END) OVER upto, 0) AS agreed
FROM measured
WINDOW upto AS (PARTITION BY comparison_id ORDER BY known);
