-- The share of the gap that the best other context closes, by the topic of the prompt, with 95 % intervals clustered by
-- prompt; topics of at least 5 prompts.
SELECT comparison, name AS topic, context, share, low_share, high_share, own_nats
FROM gap_closed(topics)
ORDER BY topic, ordinal
