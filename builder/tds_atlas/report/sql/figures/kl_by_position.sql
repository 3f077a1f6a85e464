-- Mean KL in both directions, over the full vocabulary, at each position, with 95 % intervals; positions that at least
-- 20 answers reach; beyond the 100th every fourth, beyond the 300th every sixteenth.
SELECT comparison, line, position, mean AS nats, low AS low_nats, high AS high_nats, responses
FROM
    by_position(
        MAP{'KL(aligned‖base)': finite(kl_aligned_base)::DOUBLE, 'KL(base‖aligned)': finite(kl_base_aligned)::DOUBLE}
    )
