-- Tests of what a report calls beyond chance, in closed form. Each asks what chance would do if there were nothing to
-- find, and takes that from the whole comparison, not from the few rows in question.

-- I_x(a, b) by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated from the 402nd term down.
CREATE MACRO beta_fraction(x, a, b) AS
    exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * ln(x) + b * ln(1 - x))
    / a
    / list_reduce(
        range(200, -1, -1),
        lambda rest_, m_: 1 - (a + m_) * (a + b + m_) * x / ((a + 2 * m_) * (a + 2 * m_ + 1))
        / (1 + (m_ + 1) * (b - m_ - 1) * x / ((a + 2 * m_ + 1) * (a + 2 * m_ + 2)) / rest_),
        1::DOUBLE
    );
-- Above the mean it is 1 less the mirrored one: base + sign · I. (Two calls of the fraction are planned twice.)
CREATE MACRO beta_share(x, a, b) AS list_transform(
    list_transform(
        [{'x': x::DOUBLE, 'a': a::DOUBLE, 'b': b::DOUBLE}],
        lambda s_: CASE
            WHEN s_.x >= 1
            THEN {'base': 1, 'sign': 0, 'x': 0, 'a': s_.a, 'b': s_.b}
            WHEN s_.x < (s_.a + 1) / (s_.a + s_.b + 2)
            THEN {'base': 0, 'sign': 1, 'x': s_.x, 'a': s_.a, 'b': s_.b}
            ELSE {'base': 1, 'sign': -1, 'x': 1 - s_.x, 'a': s_.b, 'b': s_.a}
        END
    ),
    lambda s_: s_.base + s_.sign * CASE WHEN s_.x <= 0 THEN 0 ELSE beta_fraction(s_.x, s_.a, s_.b) END
)[1];
CREATE MACRO t_p(t, df) AS list_transform(
    list_transform(
        [{'t': t::DOUBLE, 'df': df::DOUBLE}],
        lambda s_: CASE
            WHEN s_.t * s_.t < 1.5
            THEN {
                'base': 1, 'sign': -1, 'df': s_.df, 'x': s_.t * s_.t / (s_.df + s_.t * s_.t), 'a': 0.5, 'b': s_.df / 2
            }
            ELSE {'base': 0, 'sign': 1, 'df': s_.df, 'x': s_.df / (s_.df + s_.t * s_.t), 'a': s_.df / 2, 'b': 0.5}
        END
    ),
    lambda s_: CASE WHEN s_.df > 0 THEN s_.base + s_.sign * beta_share(s_.x, s_.a, s_.b) END
)[1];
CREATE MACRO at_least_p(k, n, share) AS
    CASE WHEN k <= 0 THEN 1 WHEN k > n THEN 0 ELSE beta_share(share, k, n - k + 1) END;
CREATE MACRO binomial_p(k, n, share) AS
    least(
        1,
        2 * list_min(
            list_transform(
                [{'k': k, 'n': n, 'share': share}, {'k': n - k, 'n': n, 'share': 1 - share}],
                lambda tail_: at_least_p(tail_.k, tail_.n, tail_.share)
            )
        )
    );
CREATE MACRO mcnemar_p(more, fewer) AS
    CASE
        WHEN more + fewer > 0 THEN least(1, 2 * beta_share(0.5, greatest(more, fewer), least(more, fewer) + 1))
        WHEN more + fewer = 0 THEN 1
    END;
-- Where all differences are the same there is no spread, and their signs are what is left.
CREATE MACRO paired_p(d) AS
    CASE
        WHEN count(d) > 1
        THEN CASE
            WHEN max(d) - min(d) > 1e-9 THEN t_p(avg(d) / stddev_samp(d) * sqrt(count(d)), count(d) - 1)
            WHEN abs(avg(d)) > 1e-9 THEN mcnemar_p(count(d), 0)
            ELSE 1
        END
    END;
-- The p of an estimate against 0, from how far its 95 % interval reaches towards 0; by its sign where it has no width.
CREATE MACRO margin_p(estimate, half, df) AS list_transform(
    [{'estimate': estimate, 'half': half, 'df': df}],
    lambda g_: CASE
        WHEN g_.half > 1e-9
        THEN t_p(g_.estimate / g_.half * t95(g_.df), g_.df)
        WHEN g_.half IS NOT NULL
        THEN CASE WHEN abs(g_.estimate) > 1e-9 THEN mcnemar_p(g_.df + 1, 0) ELSE 1 END
    END
)[1];
CREATE MACRO bounds_p(estimate, low, high, df) AS
    margin_p(estimate, CASE WHEN estimate > 0 THEN estimate - low ELSE high - estimate END, df);
-- The sum of a quantity over m of a comparison's g prompts, had they been drawn at random: its variance and third
-- moment follow from those of the quantity (mean 0) over all prompts. Few prompts of a skewed quantity have a skewed
-- sum, so that z is read from a gamma distribution of that skewness, too, by Wilson and Hilferty's cube root; the
-- larger p counts.
CREATE MACRO drawn_error(m, g, square) AS sqrt(m * (g - m)::DOUBLE / (g - 1) * square);
CREATE MACRO drawn_skewness(m, g, square, third) AS
    CASE
        WHEN g > 2
        THEN m * (g - m)::DOUBLE / (g - 1) * (g - 2 * m) / (g - 2) * third / power(drawn_error(m, g, square), 3)
        ELSE 0
    END;
CREATE MACRO cube_root_z(z, skewness) AS
    CASE
        WHEN abs(skewness) < 1e-4
        THEN z
        ELSE 6 / skewness * (cbrt(greatest(0, 1 + skewness * z / 2)) - 1) + skewness / 6
    END;
CREATE MACRO drawn_sum_p(total, m, g, square, third) AS list_transform(
    [{'z': total / drawn_error(m, g, square), 'skewness': drawn_skewness(m, g, square, third)}],
    lambda s_: list_max(list_transform([s_.z, cube_root_z(s_.z, s_.skewness)], lambda z_: normal_p(z_)))
)[1];
-- Where shifts are rare, such a sum takes few values and no smooth curve holds: much of its chance may lie at one of
-- them. How many of the drawn prompts are far above the whole has an exact p whatever the quantity.
CREATE MACRO ln_choose(n, k) AS lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
CREATE MACRO drawn_at_least_p(k, m, s, g) AS
    coalesce(list_sum(list_transform(
        range(greatest(k, m + s - g), least(m, s) + 1),
        lambda i_: exp(ln_choose(s, i_) + ln_choose(g - s, m - i_) - ln_choose(g, m))
    )), 0);
CREATE MACRO drawn_count_p(total, k, m, s, g) AS
    least(
        1, 2 * CASE WHEN total > 0 THEN drawn_at_least_p(k, m, s, g) ELSE drawn_at_least_p(m - k, m, g - s, g) END
    );
-- The count has a say where most prompts have none of the quantity, or few of them most of it.
CREATE MACRO drawn_p(total, far, m, whole) AS list_transform(
    [{'total': total, 'far': far, 'm': m, 'whole': whole}],
    lambda d_: CASE
        WHEN d_.m < d_.whole.prompts AND d_.whole.square > 1e-12
        THEN greatest(
            drawn_sum_p(d_.total, d_.m, d_.whole.prompts, d_.whole.square, d_.whole.third),
            CASE
                WHEN
                    2 * d_.whole.touched < d_.whole.prompts
                    OR abs(drawn_skewness(d_.m, d_.whole.prompts, d_.whole.square, d_.whole.third)) > 1.5
                THEN drawn_count_p(d_.total, d_.far, d_.m, d_.whole.far, d_.whole.prompts)
                ELSE 0
            END
        )
        ELSE 1
    END
)[1];
-- Many tests at once: q is the smallest false discovery rate at which a test is called (Benjamini and Hochberg, Journal
-- of the Royal Statistical Society B 57, 1995, p. 289). Equal p have equal q, whatever their places.
CREATE MACRO discoveries(tested, family) AS TABLE
SELECT
    * EXCLUDE (nth_p),
    least(1, min(p * tests / nth_p) OVER (PARTITION BY family ORDER BY nth_p DESC)) AS q
FROM
    (
        SELECT
            *,
            row_number() OVER (PARTITION BY family ORDER BY p) AS nth_p,
            count(p) OVER (PARTITION BY family) AS tests
        FROM query_table(tested)
    );
COMMENT ON MACRO TABLE discoveries IS
    'A table of tests by name, which has their p, with q, the false discovery rate (Benjamini-Hochberg) within each '
    'family, and how many tests the family has; no p, no test: FROM discoveries(''tested'', comparison_id).';
COMMENT ON MACRO beta_fraction IS 'I_x(a, b) below its mean, by a continued fraction; see beta_share.';
COMMENT ON MACRO beta_share IS
    'The regularised incomplete beta function I_x(a, b): how much of a beta distribution is below x.';
COMMENT ON MACRO t_p IS 'Two-sided p of Student''s t with df degrees of freedom.';
COMMENT ON MACRO at_least_p IS
    'Chance of k or more of n, each with the same share; k and n may be fractions (numbers of equal weight).';
COMMENT ON MACRO binomial_p IS 'Two-sided exact binomial p of k of n against a share: twice the smaller tail.';
COMMENT ON MACRO mcnemar_p IS
    'McNemar''s exact two-sided p: so many pairs changed one way, so many the other; 1 where none did.';
COMMENT ON MACRO paired_p IS
    'Aggregate over one difference d per prompt: p of a paired t test; of the sign test where all are the same.';
COMMENT ON MACRO margin_p IS
    'Two-sided p of an estimate against 0, from half of its 95 % interval, on the side of 0, and its degrees of freedom'
    '; NULL without an interval.';
COMMENT ON MACRO bounds_p IS
    'The same from the ends low and high of the estimate''s 95 % interval, of which the one on the side of 0 counts.';
COMMENT ON MACRO drawn_error IS 'Standard error of a total over m prompts drawn from g; see drawn_sum_p.';
COMMENT ON MACRO drawn_skewness IS 'Skewness of that total; see drawn_sum_p.';
COMMENT ON MACRO cube_root_z IS 'The normal z of a gamma distribution''s z with that skewness (Wilson-Hilferty).';
COMMENT ON MACRO drawn_sum_p IS
    'Two-sided p of that total by the normal and the gamma distribution, the larger; square and third are the means of '
    'the quantity''s powers over all g, its mean is 0.';
COMMENT ON MACRO ln_choose IS 'ln of how many ways there are to choose k of n.';
COMMENT ON MACRO drawn_at_least_p IS
    'Chance that k or more of m drawn from g are among a certain s of them (hypergeometric).';
COMMENT ON MACRO drawn_count_p IS
    'Two-sided exact p of k among m drawn from g, of which s are far above: twice the tail on the side of total.';
COMMENT ON MACRO drawn_p IS
    'Two-sided p of a total over m prompts, of which so many are far above the whole, against m drawn at random from '
    'it; whole is a struct as in prompt_excess.';
