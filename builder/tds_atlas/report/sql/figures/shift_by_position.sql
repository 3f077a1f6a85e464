-- Share of shifted tokens at each position of the answer, with 95 % intervals; positions that at least 20 answers
-- reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT
    label AS comparison,
    pos AS position,
    clustered_mean((shift = 'shifted')::INTEGER::DOUBLE, 1) AS share,
    kept_within(
        clustered_mean((shift = 'shifted')::INTEGER::DOUBLE, 1)
        - clustered_half_width((shift = 'shifted')::INTEGER::DOUBLE, 1),
        0,
        1
    ) AS low_share,
    kept_within(
        clustered_mean((shift = 'shifted')::INTEGER::DOUBLE, 1)
        + clustered_half_width((shift = 'shifted')::INTEGER::DOUBLE, 1),
        0,
        1
    ) AS high_share,
    count(*) AS responses
FROM tds
JOIN comparison USING (comparison_id)
GROUP BY ordinal, label, pos
HAVING count(*) >= 20 AND drawn_position(pos)
ORDER BY ordinal, pos
