-- The base's continuations from shifted positions, for the example pages.
SELECT response_id, pos, text, ends
FROM continuation
WHERE comparison_id = $comparison_id AND response_id IN (SELECT unnest($responses))
ORDER BY response_id, pos
