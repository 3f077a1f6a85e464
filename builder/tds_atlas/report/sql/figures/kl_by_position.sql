-- Mean KL in both directions, over the full vocabulary, at each position, with 95 % intervals; positions that at least
-- 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
WITH
    long AS (
        UNPIVOT (
            SELECT
                comparison_id,
                pos,
                kl_aligned_base::DOUBLE AS "KL(aligned‖base)",
                kl_base_aligned::DOUBLE AS "KL(base‖aligned)"
            FROM tds
        )
        ON "KL(aligned‖base)",
        "KL(base‖aligned)" INTO NAME line VALUE x
    )
SELECT label AS comparison, line, pos AS position, unnest(nats_interval(x, 1, least := 0)), count(*) AS responses
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, line, pos
HAVING count(*) >= 20 AND drawn_position(pos)
ORDER BY ordinal, line, pos
