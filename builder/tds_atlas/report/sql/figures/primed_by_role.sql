-- The share of the gap that the best other context closes, by the token's role, with 95 % intervals clustered by
-- prompt; roles in at least 5 prompts.
SELECT comparison, name AS role, context, share, low_share, high_share, own_nats
FROM gap_closed([role], part := part_asked(NULL))
ORDER BY list_position(['safety', 'style', 'knowledge', 'content', 'glue', 'end'], role), ordinal
