-- After how many tokens of a harmful answer is each refusal first lost, and how many never are?
-- part: Probes
-- needs: recovery
SELECT comparison_id, place, first_lost_k, count(*) AS answers
FROM
    (
        SELECT comparison_id, place, answer_id, min(k) FILTER (NOT refuses) AS first_lost_k
        FROM recovery
        SEMI JOIN
            (SELECT comparison_id, answer_id FROM recovery WHERE place = 'answer' AND k = 0 AND refuses) USING (
                comparison_id, answer_id
            )
        WHERE place <> 'base'
        GROUP BY comparison_id, place, answer_id
    )
GROUP BY comparison_id, place, first_lost_k
ORDER BY comparison_id, place, first_lost_k NULLS LAST
