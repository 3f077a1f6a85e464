-- How uncertain a number is: 95 % intervals clustered by prompt, in closed form, and tests.

CREATE MACRO z95() AS 1.959964;
-- KL is infinite where one model rules out a token that the other does not. A mean over such a position is infinite and
-- has no interval; figures, shares and differences are over the positions at which it is finite.
CREATE MACRO finite(x) AS CASE WHEN isfinite(x) THEN x END;
-- Aggregates over one row per prompt: x the prompt's sum of the quantity, n its number of positions. mean = Σx/Σn,
-- var = G/(G-1) · Σ(x_g - mean·n_g)² / (Σn)². The half width is NULL for a single prompt (one cluster has no
-- spread) and for an infinite mean.
CREATE MACRO clustered_mean(x, n) AS sum(x) / sum(n);
CREATE MACRO clustered_half_width(x, n) AS
    CASE WHEN count(*) > 1 AND isfinite(sum(x)) THEN z95() * sqrt(greatest(0,
        count(*) / (count(*) - 1.0)
        * (sum(x * x) - 2 * sum(x) / sum(n) * sum(x * n) + power(sum(x) / sum(n), 2) * sum(n * n))
    )) / sum(n) END;
-- The same from the influence e of each prompt on the estimate; Σe = 0.
CREATE MACRO clustered_error(e) AS
    CASE WHEN count(*) > 1 THEN sqrt(count(*) / (count(*) - 1.0) * sum(e * e)) END;
-- A bound of an interval, clamped to the range of the quantity; NULL stays NULL (greatest and least would drop it).
CREATE MACRO kept_within(x, low, high) AS
    CASE WHEN x IS NOT NULL THEN least(greatest(x, low), coalesce(high, 'Infinity'::DOUBLE)) END;
-- A mean with its interval as three columns, where asked rounded: SELECT unnest(share_interval(x, n)).
CREATE MACRO rounded(x, decimals) AS coalesce(round(x, decimals), x);
CREATE MACRO share_interval(x, n, least := 0, decimals := NULL) AS {
    'share': rounded(clustered_mean(x, n), decimals),
    'low_share': rounded(kept_within(clustered_mean(x, n) - clustered_half_width(x, n), least, 1), decimals),
    'high_share': rounded(kept_within(clustered_mean(x, n) + clustered_half_width(x, n), least, 1), decimals)
};
CREATE MACRO nats_interval(x, n, least := '-Infinity'::DOUBLE, decimals := NULL) AS {
    'nats': rounded(clustered_mean(x, n), decimals),
    'low_nats': rounded(kept_within(clustered_mean(x, n) - clustered_half_width(x, n), least, NULL), decimals),
    'high_nats': rounded(clustered_mean(x, n) + clustered_half_width(x, n), decimals)
};
-- The ends of a share's interval. Where the share is 0 or 1 there is no spread: the bound is Wilson's.
CREATE MACRO share_low(share, half, prompts) AS
    CASE WHEN share = 1 THEN prompts / (prompts + z95() * z95()) ELSE kept_within(share - half, 0, 1) END;
CREATE MACRO share_high(share, half, prompts) AS
    CASE WHEN share = 0 THEN z95() * z95() / (prompts + z95() * z95()) ELSE kept_within(share + half, 0, 1) END;

-- Two-sided p of a standard normal z, by Abramowitz and Stegun 26.2.17 (error below 7.5e-8).
CREATE MACRO normal_p(z) AS
    least(1, 2 * 0.3989422804014327 * exp(-z * z / 2) * list_sum(list_transform(
        [0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429],
        lambda c, i: c * power(1 / (1 + 0.2316419 * abs(z)), i))));

CREATE MACRO drawn_position(pos) AS pos < 100 OR (pos < 300 AND pos % 4 = 0) OR pos % 16 = 0;
COMMENT ON MACRO z95 IS 'Standard errors of a 95 % interval''s half width.';
COMMENT ON MACRO finite IS
    'x, or NULL where it is infinite: what figures, shares and differences of KL are made of.';
COMMENT ON MACRO clustered_mean IS
    'Aggregate over one row per prompt: the mean Σx/Σn, x the sum of the quantity over the prompt''s positions, n '
    'their number.';
COMMENT ON MACRO clustered_half_width IS
    'Aggregate over the same rows: half the width of that mean''s 95 % interval, clustered by prompt; NULL for a '
    'single prompt and for an infinite mean.';
COMMENT ON MACRO clustered_error IS
    'Aggregate over one row per prompt: the standard error of an estimate, e the prompt''s influence on it (Σe = 0).';
COMMENT ON MACRO kept_within IS
    'A bound x of an interval, clamped to low and high (NULL: no upper bound); NULL stays NULL.';
COMMENT ON MACRO rounded IS 'x to that many decimals; unchanged for NULL decimals.';
COMMENT ON MACRO share_interval IS
    'Aggregate over the same rows: share, low_share, high_share, the mean with its 95 % interval within least and 1: '
    'SELECT unnest(share_interval(x, n)).';
COMMENT ON MACRO nats_interval IS
    'The same as nats, low_nats and high_nats, with no upper bound: SELECT unnest(nats_interval(x, n)).';
COMMENT ON MACRO share_low IS 'Lower end of a share''s 95 % interval; Wilson''s for as many prompts at a share of 1.';
COMMENT ON MACRO share_high IS 'Upper end of a share''s 95 % interval; Wilson''s for as many prompts at a share of 0.';
COMMENT ON MACRO normal_p IS 'Two-sided p of a standard normal z.';
COMMENT ON MACRO drawn_position IS
    'Whether a curve over positions has a point here: each of the first 100, then every fourth, from 300 on every '
    'sixteenth.';

