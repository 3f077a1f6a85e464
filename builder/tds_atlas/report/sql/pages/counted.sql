-- What a reader should know of the answers and positions measured: cut, tokenised separately, without a base
-- probability.
SELECT
    (SELECT count(*) FROM response) AS answers,
    (SELECT count(*) FROM response WHERE finish = 'length') AS cut,
    (SELECT count(*) FROM response WHERE finish = 'unknown') AS unknown,
    (SELECT count(*) FROM response WHERE boundary) AS apart,
    count(*) AS positions,
    count(*) FILTER (base_logprob IS NULL) AS without_base
FROM tds
