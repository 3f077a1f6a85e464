-- How uncertain a number is: 95 % intervals clustered by prompt, in closed form, and tests.

CREATE MACRO z95() AS 1.959964;
-- The same quantile of Student's t: tabulated for few degrees of freedom, else by Cornish and Fisher's expansion (error
-- below 1e-4).
CREATE MACRO t95(df) AS list_transform(
    [df],
    lambda df_: CASE
        WHEN df_ < 1
        THEN NULL
        WHEN df_ <= 10
        THEN [
            12.7062047,
            4.3026527,
            3.1824463,
            2.7764451,
            2.5705818,
            2.4469119,
            2.3646243,
            2.3060041,
            2.2621572,
            2.2281389
        ][df_::INTEGER]
        ELSE z95() + 2.372272 / df_ + 2.822503 / power(df_, 2) + 2.555852 / power(df_, 3) + 1.589536 / power(df_, 4)
    END
)[1];
-- KL is infinite where one model rules out a token that the other does not. A mean over such a position is infinite and
-- has no interval; figures, shares and differences are over the positions at which it is finite.
CREATE MACRO finite(x) AS CASE WHEN isfinite(x) THEN x END;
-- Aggregates over one row per prompt: x the prompt's sum of the quantity, n its number of positions. mean = Σx/Σn; the
-- residual of a prompt is x_g - mean·n_g. From three prompts on there is an interval; an infinite mean has none.
CREATE MACRO clustered_mean(x, n) AS sum(x) / sum(n);
-- The sums are taken once, and each step names its numbers, as macros below and in tests.sql do: a macro is text, which
-- grows with every use of an argument, and a query's time is that of planning it. Names of lambdas end in _, since a
-- table of the query would shadow them.
CREATE MACRO moments(x, n) AS [{
    'prompts': count(*),
    'sum': sum(x),
    'size': sum(n::DOUBLE),
    'xx': sum(x * x),
    'xn': sum(x * n),
    'nn': sum(n * n::DOUBLE),
    'xxx': sum(x * x * x),
    'xxn': sum(x * x * n),
    'xnn': sum(x * n * n),
    'nnn': sum(n * n::DOUBLE * n)
}];
-- Σ residual², none where the squares cancel, and Σ residual³.
CREATE MACRO residuals(x, n) AS list_transform(
    list_transform(moments(x, n), lambda sums_: {'m': sums_, 'mean': sums_.sum / sums_.size}),
    lambda r_: {
        'prompts': r_.m.prompts,
        'mean': r_.mean,
        'size': r_.m.size,
        'part': r_.m.nn / (r_.m.size * r_.m.size),
        'varies': r_.m.xx - 2 * r_.mean * r_.m.xn + r_.mean * r_.mean * r_.m.nn > 1e-13 * r_.m.xx,
        'squares': r_.m.xx - 2 * r_.mean * r_.m.xn + r_.mean * r_.mean * r_.m.nn,
        'cubes': r_.m.xxx - 3 * r_.mean * r_.m.xxn + 3 * r_.mean * r_.mean * r_.m.xnn - power(r_.mean, 3) * r_.m.nnn
    }
);
-- var = G/(G-1) · Σ residual² / (Σn)².
CREATE MACRO error_of(r) AS
    CASE
        WHEN r.prompts > 2 AND isfinite(r.mean)
        THEN CASE WHEN r.varies THEN sqrt(r.prompts / (r.prompts - 1.0) * r.squares) / r.size ELSE 0 END
    END;
CREATE MACRO standard_error(x, n) AS list_transform(residuals(x, n), lambda r_: error_of(r_))[1];
-- For quantities of either sign, differences among them: Student's t with G-1 degrees of freedom.
CREATE MACRO clustered_half_width(x, n) AS t95(count(*) - 1) * standard_error(x, n);
-- For shares and means of quantities that are never negative, whose distribution over prompts is skewed: Hall's
-- transformation of the studentised mean (Journal of the Royal Statistical Society B 54, 1992, p. 221), inverted at the
-- quantile q; skew is that of the residuals over √G.
CREATE MACRO skewed_quantile(q, skew) AS
    CASE WHEN abs(skew) < 1e-6 THEN q ELSE (cbrt(1 + skew * (q - skew / 6)) - 1) * 3 / skew END;
CREATE MACRO skewed_ends(x, n) AS list_transform(
    list_transform(
        residuals(x, n),
        lambda r_: {
            'prompts': r_.prompts,
            'mean': r_.mean,
            'error': error_of(r_),
            't': t95(r_.prompts - 1),
            'part': r_.part,
            'skew': CASE WHEN r_.varies THEN r_.cubes / power(r_.squares, 1.5) ELSE 0 END
        }
    ),
    lambda e_: {
        'prompts': e_.prompts,
        'mean': e_.mean,
        'w': e_.t * e_.t * e_.part,
        'low': e_.mean - e_.error * skewed_quantile(e_.t, e_.skew),
        'high': e_.mean - e_.error * skewed_quantile(- e_.t, e_.skew)
    }
);
CREATE MACRO mean_bounds(x, n) AS list_transform(
    skewed_ends(x, n), lambda b_: {'prompts': b_.prompts, 'mean': b_.mean, 'low': b_.low, 'high': b_.high}
)[1];
CREATE MACRO mean_low(x, n) AS mean_bounds(x, n).low;
CREATE MACRO mean_high(x, n) AS mean_bounds(x, n).high;
-- The same from the influence e of each prompt on an estimate; Σe = 0.
CREATE MACRO clustered_error(e) AS
    CASE WHEN count(*) > 2 THEN sqrt(count(*) / (count(*) - 1.0) * sum(e * e)) END;
CREATE MACRO clustered_margin(e) AS t95(count(*) - 1) * clustered_error(e);
-- A bound of an interval, clamped to the range of the quantity; NULL stays NULL (greatest and least would drop it).
CREATE MACRO kept_within(x, low, high) AS
    CASE WHEN x IS NOT NULL THEN least(greatest(x, low), coalesce(high, 'Infinity'::DOUBLE)) END;
-- Wilson's interval of a share. With w = t² Σn² / (Σn)² it is that of yes or no by prompt, and no share of numbers
-- between 0 and 1 varies more than yes or no does.
CREATE MACRO wilson_low(share, w) AS
    greatest(0, (share + w / 2 - sqrt(w * greatest(0, share * (1 - share)) + w * w / 4)) / (1 + w));
CREATE MACRO wilson_high(share, w) AS
    least(1, (share + w / 2 + sqrt(w * greatest(0, share * (1 - share)) + w * w / 4)) / (1 + w));
-- The ends of a share's interval: those of a mean, within Wilson's, since the skewness of few prompts says little. At a
-- share of 0 or 1 there is no spread: the end is Wilson's.
CREATE MACRO share_low_at(share, low, w) AS
    CASE WHEN low IS NOT NULL THEN greatest(CASE WHEN share < 1 THEN low ELSE 0 END, wilson_low(share, w)) END;
CREATE MACRO share_high_at(share, high, w) AS
    CASE WHEN high IS NOT NULL THEN least(CASE WHEN share > 0 THEN high ELSE 1 END, wilson_high(share, w)) END;
-- Of a share that is a mixture of shares, half the width of whose interval is known.
CREATE MACRO share_low(share, half, prompts) AS
    CASE
        WHEN share = 1 AND prompts > 2 THEN wilson_low(1, power(t95(prompts - 1), 2) / prompts)
        ELSE kept_within(share - half, 0, 1)
    END;
CREATE MACRO share_high(share, half, prompts) AS
    CASE
        WHEN share = 0 AND prompts > 2 THEN wilson_high(0, power(t95(prompts - 1), 2) / prompts)
        ELSE kept_within(share + half, 0, 1)
    END;
CREATE MACRO share_ends(x, n) AS list_transform(
    skewed_ends(x, n),
    lambda b_: {
        'mean': b_.mean,
        'low': share_low_at(b_.mean, b_.low, b_.w),
        'high': share_high_at(b_.mean, b_.high, b_.w)
    }
);
CREATE MACRO share_bounds(x, n) AS share_ends(x, n)[1];
CREATE MACRO curve_bounds(x, n, shares) AS list_transform(
    skewed_ends(x, n),
    lambda b_: {
        'mean': b_.mean,
        'low': CASE
            WHEN shares THEN share_low_at(b_.mean, b_.low, b_.w) ELSE kept_within(b_.low, 0, NULL)
        END,
        'high': CASE WHEN shares THEN share_high_at(b_.mean, b_.high, b_.w) ELSE b_.high END
    }
)[1];
-- The difference of two groups of prompts, each a struct of mean, low and high: how far each end is from its mean,
-- squared and added (Zou and Donner, Statistics in Medicine 27, 2008, p. 1693).
CREATE MACRO difference_bounds(a, b) AS list_transform(
    [{'a': a, 'b': b}],
    lambda d_: {
        'difference': d_.a.mean - d_.b.mean,
        'low': d_.a.mean - d_.b.mean - sqrt(power(d_.a.mean - d_.a.low, 2) + power(d_.b.high - d_.b.mean, 2)),
        'high': d_.a.mean - d_.b.mean + sqrt(power(d_.a.high - d_.a.mean, 2) + power(d_.b.mean - d_.b.low, 2))
    }
)[1];
-- A mean with its interval as three columns, where asked rounded: SELECT unnest(share_interval(x, n)).
CREATE MACRO rounded(x, decimals) AS coalesce(round(x, decimals), x);
CREATE MACRO share_interval(x, n, decimals := NULL) AS list_transform(
    share_ends(x, n),
    lambda b_: {
        'share': rounded(b_.mean, decimals),
        'low_share': rounded(b_.low, decimals),
        'high_share': rounded(b_.high, decimals)
    }
)[1];
-- The same for a ratio that may be negative, by Student's t.
CREATE MACRO mean_and_half(x, n) AS [{'mean': clustered_mean(x, n), 'half': clustered_half_width(x, n)}];
CREATE MACRO ratio_interval(x, n, decimals := NULL) AS list_transform(
    mean_and_half(x, n),
    lambda b_: {
        'share': rounded(b_.mean, decimals),
        'low_share': rounded(b_.mean - b_.half, decimals),
        'high_share': rounded(least(1, b_.mean + b_.half), decimals)
    }
)[1];
-- And for a number of nats: one that is never negative, as share_interval; of either sign, by Student's t.
CREATE MACRO nats_interval(x, n, decimals := NULL) AS list_transform(
    skewed_ends(x, n),
    lambda b_: {
        'nats': rounded(b_.mean, decimals),
        'low_nats': rounded(kept_within(b_.low, 0, NULL), decimals),
        'high_nats': rounded(b_.high, decimals)
    }
)[1];
CREATE MACRO signed_nats_interval(x, n, decimals := NULL) AS list_transform(
    mean_and_half(x, n),
    lambda b_: {
        'nats': rounded(b_.mean, decimals),
        'low_nats': rounded(b_.mean - b_.half, decimals),
        'high_nats': rounded(b_.mean + b_.half, decimals)
    }
)[1];

-- Two-sided p of a standard normal z, by Abramowitz and Stegun 26.2.17 (error below 7.5e-8).
CREATE MACRO normal_p(z) AS list_transform(
    [z],
    lambda z_: least(1, 2 * 0.3989422804014327 * exp(-z_ * z_ / 2) * list_sum(list_transform(
        [0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429],
        lambda c_, i_: c_ * power(1 / (1 + 0.2316419 * abs(z_)), i_))))
)[1];

CREATE MACRO drawn_position(pos) AS pos < 100 OR (pos < 300 AND pos % 4 = 0) OR pos % 16 = 0;
COMMENT ON MACRO z95 IS 'The 97.5 % quantile of the standard normal distribution.';
COMMENT ON MACRO t95 IS 'The 97.5 % quantile of Student''s t with that many degrees of freedom.';
COMMENT ON MACRO finite IS
    'x, or NULL where it is infinite: what figures, shares and differences of KL are made of.';
COMMENT ON MACRO clustered_mean IS
    'Aggregate over one row per prompt: the mean Σx/Σn, x the sum of the quantity over the prompt''s positions, n '
    'their number.';
COMMENT ON MACRO clustered_half_width IS
    'Aggregate over the same rows: half the width of that mean''s 95 % interval, clustered by prompt, by Student''s t; '
    'for differences. NULL for fewer than three prompts and for an infinite mean.';
COMMENT ON MACRO standard_error IS
    'Aggregate over the same rows: the standard error of that mean, clustered by prompt.';
COMMENT ON MACRO moments IS 'Aggregate over the same rows: a list of one struct of sums up to the third power.';
COMMENT ON MACRO residuals IS
    'Aggregate over the same rows: a list of one struct: Σ(x - mean·n)² and Σ(x - mean·n)³, whether they '
    'vary, and Σn²/(Σn)², one over the number of prompts of equal size.';
COMMENT ON MACRO error_of IS 'The standard error of a mean from a struct of residuals; NULL below three prompts.';
COMMENT ON MACRO skewed_quantile IS
    'The quantile q of a studentised mean over prompts; skew is the skewness of their values over √G (Hall 1992).';
COMMENT ON MACRO skewed_ends IS
    'Aggregate over the same rows: a list of one struct: prompts, mean, low and high, as in mean_bounds, and '
    't²·Σn²/(Σn)².';
COMMENT ON MACRO mean_bounds IS
    'Aggregate over the same rows: prompts, mean, and low and high, the ends of the 95 % interval of a mean of '
    'quantities that are not negative.';
COMMENT ON MACRO mean_low IS
    'Aggregate over the same rows: lower end of the 95 % interval of a mean of quantities that are not negative.';
COMMENT ON MACRO mean_high IS 'Aggregate over the same rows: upper end of that interval.';
COMMENT ON MACRO clustered_error IS
    'Aggregate over one row per prompt: the standard error of an estimate, e the prompt''s influence on it (Σe = 0).';
COMMENT ON MACRO clustered_margin IS
    'Aggregate over the same rows: half the width of that estimate''s 95 % interval, by Student''s t.';
COMMENT ON MACRO share_bounds IS
    'Aggregate over one row per prompt: mean, the share Σx/Σn, and low and high, the ends of its 95 % interval.';
COMMENT ON MACRO share_ends IS 'Aggregate over the same rows: share_bounds as a list of one struct.';
COMMENT ON MACRO curve_bounds IS
    'Aggregate over the same rows: mean, low and high, as share_bounds where shares, else as mean_bounds, low from 0.';
COMMENT ON MACRO difference_bounds IS
    'Difference of two independent means, with low and high, the ends of its 95 % interval, from two structs of mean, '
    'low and high.';
COMMENT ON MACRO kept_within IS
    'A bound x of an interval, clamped to low and high (NULL: no upper bound); NULL stays NULL.';
COMMENT ON MACRO rounded IS 'x to that many decimals; unchanged for NULL decimals.';
COMMENT ON MACRO share_interval IS
    'Aggregate over the same rows: share, low_share, high_share, the mean with its 95 % interval: '
    'SELECT unnest(share_interval(x, n)).';
COMMENT ON MACRO mean_and_half IS
    'Aggregate over the same rows: a list of one struct of a mean and half of its interval by Student''s t.';
COMMENT ON MACRO ratio_interval IS
    'The same for a ratio Σx/Σn that may be negative and is at most 1, by Student''s t.';
COMMENT ON MACRO nats_interval IS
    'The same as nats, low_nats and high_nats for a quantity that is never negative, with no upper bound: SELECT '
    'unnest(nats_interval(x, n)).';
COMMENT ON MACRO signed_nats_interval IS
    'The same for a quantity of either sign, by Student''s t.';
COMMENT ON MACRO share_low IS
    'Lower end of a share''s 95 % interval, within 0 and 1; Wilson''s for as many prompts at a share of 1.';
COMMENT ON MACRO share_high IS
    'Upper end of a share''s 95 % interval, within 0 and 1; Wilson''s for as many prompts at a share of 0.';
COMMENT ON MACRO wilson_low IS 'Lower end of Wilson''s interval of a share; w: t² over the number of prompts.';
COMMENT ON MACRO wilson_high IS 'Upper end of Wilson''s interval of a share; w: t² over the number of prompts.';
COMMENT ON MACRO share_low_at IS 'Lower end of a share''s interval from that of a mean, within Wilson''s.';
COMMENT ON MACRO share_high_at IS 'Upper end of a share''s interval from that of a mean, within Wilson''s.';
COMMENT ON MACRO normal_p IS 'Two-sided p of a standard normal z.';
COMMENT ON MACRO drawn_position IS
    'Whether a curve over positions has a point here: each of the first 100, then every fourth, from 300 on every '
    'sixteenth.';

