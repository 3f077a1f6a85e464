"""The statistics against torch.distributions in float64, a sort, and cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical, kl_divergence

from tds_atlas.measure import distance
from tds_atlas.measure.distance import Distribution

vocabularies = st.sampled_from([2, 3, 127, 128, 129, 400, 1979, 25_000])  # on both sides of every block's edge
seeds = st.integers(0, 10_000)
scales = st.sampled_from([0.01, 1.0, 10.0, 40.0])
nearness = st.sampled_from([1e-4, 1e-2, 1.0])  # how far the second distribution stands from the first

CLOSE = {"rtol": 1e-5, "atol": 3e-7}
EPS = 2.0**-24  # half a unit in the last digit of a float32 near 1
SLACK = 8  # over the bound of `noise`; the largest of 20,000 rows needed 4.4


def logits(seed: int, vocabulary: int, scale: float, rows: int = 5) -> torch.Tensor:
    return scale * torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed))


def pair(seed: int, vocabulary: int, scale: float, near: float) -> tuple[torch.Tensor, torch.Tensor]:
    x = logits(seed, vocabulary, scale)
    return x, x + near * logits(seed + 1, vocabulary, scale)


def of(*rows: torch.Tensor) -> list[Distribution]:
    return [Distribution.of(x.clone()) for x in rows]


def noise(p: torch.Tensor, logp: torch.Tensor, logq: torch.Tensor) -> torch.Tensor:
    """What float32 may add to Σ p (ln p - ln q), by row: each ln is rounded by itself (errors that add up as a root of
    squares), the sum rounds what it has so far, and both distributions sum to 1 but for a rounding."""
    apart = (p.square() * (logp.square() + logq.square())).sum(-1).sqrt()
    return EPS * (apart + (p * (logp - logq).abs()).sum(-1) + 1)


def assert_divergence(made: torch.Tensor, expected: torch.Tensor, rounding: torch.Tensor) -> None:
    excess = (made.double() - expected).abs() - SLACK * rounding - 1e-6 * expected
    assert (excess <= 0).all(), (made, expected, rounding)


@given(seeds, vocabularies, scales)
@settings(max_examples=60, deadline=None)
def test_a_distribution_is_the_softmax(seed: int, vocabulary: int, scale: float) -> None:
    x = logits(seed, vocabulary, scale) + 100  # a common offset means nothing
    (made,) = of(x)
    torch.testing.assert_close(made.logp.double(), x.double().log_softmax(-1), rtol=1e-6, atol=1e-5)
    torch.testing.assert_close(made.p.double(), x.double().softmax(-1), rtol=2e-5, atol=1e-8)
    torch.testing.assert_close(distance.entropy(made).double(), Categorical(logits=x.double()).entropy(), **CLOSE)


@given(seeds, vocabularies, scales, nearness)
@settings(max_examples=120, deadline=None)
def test_divergences_agree_with_torch_distributions(seed: int, vocabulary: int, scale: float, near: float) -> None:
    x, y = pair(seed, vocabulary, scale, near)
    p, q = (Categorical(logits=z.double()) for z in (x, y))
    middle = Categorical(logits=torch.logaddexp(p.logits, q.logits) - math.log(2))
    kl_pq, kl_qp, js, clamped = distance.divergences(*of(x, y))
    of_p, of_q = noise(p.probs, p.logits, q.logits), noise(q.probs, q.logits, p.logits)
    assert_divergence(kl_pq, kl_divergence(p, q), of_p)
    assert_divergence(kl_qp, kl_divergence(q, p), of_q)
    assert_divergence(js, (kl_divergence(p, middle) + kl_divergence(q, middle)) / 2, (of_p + of_q) / 2)
    assert (torch.stack([kl_pq, kl_qp, js]) >= 0).all() and (js <= math.log(2)).all()
    assert (clamped >= 0).all() and (clamped <= SLACK * (of_p + of_q)).all()


@given(seeds, vocabularies, scales, nearness)
@settings(max_examples=60, deadline=None)
def test_directions_change_places_and_js_keeps_its_own(seed: int, vocabulary: int, scale: float, near: float) -> None:
    x, y = of(*pair(seed, vocabulary, scale, near))
    (pq, qp, js, _), (qp_again, pq_again, js_again, _) = distance.divergences(x, y), distance.divergences(y, x)
    of_p, of_q = noise(x.p, x.logp, y.logp), noise(y.p, y.logp, x.logp)
    for made, again, rounding in ((pq, pq_again, of_p), (qp, qp_again, of_q), (js, js_again, (of_p + of_q) / 2)):
        assert_divergence(made, again.double(), 2 * rounding.double())


def test_the_same_logits_are_no_distance_at_all() -> None:
    x, y = of(logits(0, 500, 5.0), logits(0, 500, 5.0))
    assert all(bool((d == 0).all()) for d in distance.divergences(x, y))


def test_what_is_no_distribution_is_put_back_by_more_than_rounding() -> None:
    """p = (1/2, 1/2) against weights (1, 1), which are no probabilities: Σ p ln p/q = -ln 2, and it is said."""
    p, q = of(torch.zeros(1, 2), torch.zeros(1, 2))
    q = Distribution(q.logp + math.log(2), q.p, q.mass, q.rounding)
    kl, *_, clamped = distance.divergences(p, q)
    assert kl.item() == 0 and clamped.item() == pytest.approx(math.log(2), rel=1e-6)
    x = torch.tensor([[0.0, 0.0, -math.inf]])  # and where a token is ruled out
    p, q = of(x, x)
    q = Distribution(q.logp + math.log(2), q.p, q.mass, q.rounding)
    assert distance.divergences(p, q)[-1].item() == pytest.approx(math.log(2), rel=1e-6)


@given(seeds, vocabularies, st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_rank_counts_strictly_larger_logits_ties_included(seed: int, vocabulary: int, levels: int) -> None:
    x = logits(seed, vocabulary, 1.0).mul(levels).round()  # few levels: many ties
    ids = torch.randint(vocabulary, (5,), generator=torch.Generator().manual_seed(seed))
    slow = [1 + sum(v > row[i] for v in row) for row, i in zip(x.tolist(), ids.tolist(), strict=True)]
    assert distance.rank(x, ids).tolist() == slow
    assert distance.rank(x, torch.full((5,), vocabulary + 3)).tolist() == [vocabulary + 1] * 5  # a token it has not


@given(seeds, vocabularies, st.integers(1, 40), st.sampled_from([0.0, 2.0]))
@settings(max_examples=120, deadline=None)
def test_top_is_the_head_of_a_sort_ties_included(seed: int, vocabulary: int, k: int, levels: float) -> None:
    x = logits(seed, vocabulary, 1.0)
    x = x.mul(levels).round() if levels else x
    values, places = distance.top(x, k)
    assert torch.equal(values, x.sort(-1, descending=True).values[:, :k])
    assert torch.equal(x.gather(1, places), values)
    assert all(len(set(row)) == min(k, vocabulary) for row in places.tolist())


def test_by_hand() -> None:
    """p = (1/2, 1/2), q = (1/4, 3/4): KL(p‖q) = ½ ln 2 + ½ ln 2/3; KL(q‖p) = ¼ ln ½ + ¾ ln 3/2; H(p) = ln 2."""
    p, q = of(torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log())
    kl_pq, kl_qp, *_ = distance.divergences(p, q)
    assert kl_pq.item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3), rel=1e-6)
    assert kl_qp.item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5), rel=1e-6)
    assert distance.entropy(p).item() == pytest.approx(math.log(2), rel=1e-6)


def test_tokens_that_a_model_rules_out() -> None:
    """p = (1, 0, 0), q = (1/2, 1/2, 0): KL(p‖q) = ln 2, KL(q‖p) is infinite, JS = ½ ln 4/3 + ¼ ln 2/3 + ¼ ln 2; H(p) = 0."""
    p, q = of(torch.tensor([[0.0, -math.inf, -math.inf]]), torch.tensor([[0.0, 0.0, -math.inf]]))
    kl_pq, kl_qp, js, _ = distance.divergences(p, q)
    assert kl_pq.item() == pytest.approx(math.log(2), rel=1e-6) and kl_qp.item() == math.inf
    assert js.item() == pytest.approx(0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * math.log(2), rel=1e-6)
    assert distance.entropy(p).item() == 0


def test_disjoint_distributions_are_ln_2_apart() -> None:
    x, y = of(torch.tensor([[90.0, 0.0, 0.0]]), torch.tensor([[0.0, 90.0, 0.0]]))
    assert distance.divergences(x, y)[2].item() == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_row_with_no_number_is_told_apart(bad: float) -> None:
    x = torch.zeros(2, 300)
    x[1, 7] = bad
    (made,) = of(x)
    assert made.mass.isfinite().tolist() == [True, False]


def test_given_the_first_tokens_the_rest_is_gone() -> None:
    x = logits(4, 300, 3.0)
    (made,) = of(x)
    torch.testing.assert_close(made.given_first(200).logp, x[:, :200].log_softmax(-1), rtol=1e-6, atol=1e-5)
