"""The statistics against torch.distributions, a sort, and cases worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical, kl_divergence

from builder.measure import distance

vocabularies = st.integers(2, 400)
seeds = st.integers(0, 10_000)
scales = st.sampled_from([0.01, 1.0, 10.0, 40.0])


def logits(seed: int, vocabulary: int, scale: float, rows: int = 5) -> torch.Tensor:
    return scale * torch.randn(rows, vocabulary, generator=torch.Generator().manual_seed(seed))


@given(seeds, vocabularies, scales)
@settings(max_examples=60, deadline=None)
def test_entropy_and_kl_agree_with_torch_distributions_in_float64(seed: int, vocabulary: int, scale: float) -> None:
    p, q = logits(seed, vocabulary, scale), logits(seed + 1, vocabulary, scale)
    p64, q64 = (Categorical(logits=x.double()) for x in (p, q))
    logp, logq = p.log_softmax(-1), q.log_softmax(-1)
    torch.testing.assert_close(distance.entropy(logp).double(), p64.entropy(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(distance.kl(logp, logq).double(), kl_divergence(p64, q64), rtol=1e-4, atol=1e-5)


@given(seeds, vocabularies, scales)
@settings(max_examples=60, deadline=None)
def test_js_is_the_mean_kl_to_the_mixture_symmetric_and_bounded(seed: int, vocabulary: int, scale: float) -> None:
    p, q = (logits(s, vocabulary, scale).log_softmax(-1) for s in (seed, seed + 1))
    p64, q64 = (Categorical(logits=x.double()) for x in (p, q))
    mixture = Categorical(probs=(p64.probs + q64.probs) / 2)
    slow = (kl_divergence(p64, mixture) + kl_divergence(q64, mixture)) / 2
    torch.testing.assert_close(distance.js(p, q).double(), slow, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(distance.js(p, q), distance.js(q, p))
    assert (distance.js(p, q) >= 0).all() and (distance.js(p, q) <= math.log(2)).all()


@given(seeds, vocabularies, st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_rank_counts_strictly_larger_logits_ties_included(seed: int, vocabulary: int, levels: int) -> None:
    x = logits(seed, vocabulary, 1.0).mul(levels).round()  # few levels: many ties
    ids = torch.randint(vocabulary, (5,), generator=torch.Generator().manual_seed(seed))
    slow = [1 + sum(v > row[i] for v in row) for row, i in zip(x.tolist(), ids.tolist(), strict=True)]
    assert distance.rank(x, ids).tolist() == slow


def test_by_hand() -> None:
    """p = (1/2, 1/2), q = (1/4, 3/4): KL(p‖q) = ½ ln 2 + ½ ln 2/3; KL(q‖p) = ¼ ln ½ + ¾ ln 3/2; H(p) = ln 2."""
    p, q = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    assert distance.kl(p, q).item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3), rel=1e-6)
    assert distance.kl(q, p).item() == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5), rel=1e-6)
    assert distance.entropy(p).item() == pytest.approx(math.log(2), rel=1e-6)


def test_same_distribution_is_no_distance_bit_for_bit() -> None:
    p = logits(3, 300, 5.0).log_softmax(-1)
    assert distance.kl(p, p).eq(0).all()
    torch.testing.assert_close(distance.js(p, p), torch.zeros(5), atol=1e-6, rtol=0)


def test_tokens_that_a_model_rules_out() -> None:
    """Disjoint supports: JS = ln 2, KL infinite; a token that neither has adds nothing."""
    p, q = torch.tensor([[0.0, -torch.inf, -torch.inf]]), torch.tensor([[-torch.inf, 0.0, -torch.inf]])
    assert distance.kl(p, q).item() == math.inf
    assert distance.kl(p, p).item() == 0
    assert distance.entropy(p).item() == 0
