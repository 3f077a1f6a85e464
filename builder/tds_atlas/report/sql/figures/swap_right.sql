-- Share of texts that state the fact asked for, by the share of positions swapped; 0 % is the model that writes alone,
-- 100 % the other model alone.
FROM swap_curve(['right'])
