-- How many tokens does AlignTDS class differently than we do?
-- part: What both would have said
-- It ranks the aligned model's first choice, we rank the token that was said; for greedy answers these nearly agree.
SELECT
    comparison_id,
    sum(aligntds.positions)::BIGINT AS positions,
    sum(ours.shifted)::BIGINT AS shifted,
    sum(aligntds.shifted)::BIGINT AS shifted_by_aligntds,
    sum(other_class_positions)::BIGINT AS in_another_class,
    sum(same_token_other_class_positions)::BIGINT AS though_it_is_the_first_choice
FROM counted_twice
GROUP BY comparison_id
HAVING sum(aligntds.positions) > 0
ORDER BY comparison_id
