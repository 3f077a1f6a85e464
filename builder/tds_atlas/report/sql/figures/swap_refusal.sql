-- Share of texts that refuse a harmful prompt, by the share of positions swapped; 0 % is the model that writes alone,
-- 100 % the other model alone.
FROM swap_curve(['refusal'])
