-- Mean entropy of both models' distributions at each position, with 95 % intervals; positions that at least 20 answers
-- reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
WITH
    long AS (
        UNPIVOT (SELECT comparison_id, pos, aligned_entropy::DOUBLE AS aligned, base_entropy::DOUBLE AS base FROM tds)
        ON aligned,
        base INTO NAME line VALUE x
    )
SELECT label AS comparison, line, pos AS position, unnest(nats_interval(x, 1, least := 0)), count(*) AS responses
FROM long
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, line, pos
HAVING count(*) >= 20 AND drawn_position(pos)
ORDER BY ordinal, line, pos
