"""The compiled statistics against the reference in torch's words and against float64; what is no distribution; threads."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tds_atlas.measure.fused import FusedRows
from tds_atlas.measure.kernels import BLOCK
from tds_atlas.measure.statistics import Rows, TorchRows, rows_on

vocabularies = st.sampled_from([2, 63, 64, 65, BLOCK - 1, BLOCK, BLOCK + 1, 1979, 25_000])  # both sides of every edge
seeds, scales = st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 10.0, 40.0])
nearness = st.sampled_from([0.0, 1e-5, 1e-3, 1.0])  # how far the second distribution stands from the first
EPS = 2.0**-24
KINDS = pytest.mark.parametrize("kind", [TorchRows, FusedRows])


def pair(seed: int, vocabulary: int, scale: float, near: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two rows of logits [5, V], a tenth of them equal, and an id for each."""
    made = torch.Generator().manual_seed(seed)
    x = scale * torch.randn(5, vocabulary, generator=made)
    x[:, ::10] = x[:, :1]
    y = x + near * scale * torch.randn(5, vocabulary, generator=made)
    return x, y, torch.randint(vocabulary, (5,), generator=made)


def of(kind: type[Rows], ids: torch.Tensor, *logits: torch.Tensor, k: int = 1) -> list[Rows]:
    return [kind.of(x.clone(), ids, min(k, x.shape[-1])) for x in logits]


@given(seeds, vocabularies, scales, st.integers(1, 50))
@settings(max_examples=80, deadline=None)
def test_the_columns_are_those_of_the_reference(seed: int, vocabulary: int, scale: float, k: int) -> None:
    x, _, ids = pair(seed, vocabulary, scale, 0)
    (mine,), (other,) = of(FusedRows, ids, x, k=k), of(TorchRows, ids, x, k=k)
    logp = x.double().log_softmax(-1)
    exact = {"rank", "top_ids"}
    assert mine.columns.keys() == other.columns.keys() > exact
    assert np.array_equal(mine.columns["rank"], other.columns["rank"])
    np.testing.assert_allclose(mine.columns["logprob"], logp.gather(1, ids[:, None])[:, 0], rtol=1e-6, atol=2e-6)
    np.testing.assert_allclose(mine.columns["entropy"], -(logp.exp() * logp).sum(-1), rtol=1e-6, atol=3e-7)
    for i, (places, values) in enumerate(zip(mine.columns["top_ids"], mine.columns["top_logprobs"], strict=True)):
        assert len(set(places)) == len(places) and (np.diff(values) <= 0).all()
        assert torch.equal(x[i, places], x[i].sort(descending=True).values[: len(places)])
        ties = [a < b for a, b in itertools.pairwise(places) if x[i, a] == x[i, b]]
        assert all(ties)  # of equal ones the first comes first
        np.testing.assert_allclose(values, logp[i, places], rtol=1e-6, atol=2e-6)


@given(seeds, vocabularies, scales, nearness)
@settings(max_examples=120, deadline=None)
def test_divergences_keep_their_digits_where_rows_are_nearly_equal(
    seed: int, vocabulary: int, scale: float, near: float
) -> None:
    """Within the errors of the two ln p, squared, and a few units in the last digit of the whole."""
    x, y, ids = pair(seed, vocabulary, scale, near)
    p, q = x.double().log_softmax(-1), y.double().log_softmax(-1)
    middle = torch.logaddexp(p, q) - math.log(2)
    kl = (p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)
    js = ((p.exp() * (p - middle)).sum(-1) + (q.exp() * (q - middle)).sum(-1)) / 2
    a, b = of(FusedRows, ids, x, y)
    *found, beyond = a.divergences(b)
    for row in range(5):
        apart = (p[row] - q[row]).abs()
        wrong = 4 * EPS * (p[row].abs() + q[row].abs() + 1)  # of d = ln p - ln q
        for weights, mine, expected in zip((p, q, middle), found, (*kl, js), strict=True):
            allowed = (weights[row].exp() * (apart.clamp_max(4) * wrong + wrong.square())).sum()
            assert abs(mine[row].double() - expected[row]) <= allowed + 2e-6 * expected[row]
    assert all(bool((x >= 0).all()) for x in found) and bool((found[2] <= math.log(2)).all())
    assert bool((beyond >= 0).all()) and bool((beyond < 1e-6).all())
    if near == 0:
        assert all(bool((x == 0).all()) for x in (*found, beyond))


@KINDS
def test_tokens_that_a_model_rules_out(kind: type[Rows]) -> None:
    """p = (1, 0, 0), q = (1/2, 1/2, 0): KL(p‖q) = ln 2, KL(q‖p) is infinite, JS = ½ ln 4/3 + ¼ ln 2/3 + ¼ ln 2; H(p) = 0."""
    x, y = torch.tensor([[0.0, -math.inf, -math.inf]]), torch.tensor([[0.0, 0.0, -math.inf]])
    p, q = of(kind, torch.tensor([1]), x, y, k=3)
    kl, back, js, beyond = (float(n) for n in p.divergences(q))
    assert kl == pytest.approx(math.log(2), rel=1e-6) and back == math.inf and beyond == 0
    assert js == pytest.approx(0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * math.log(2), rel=1e-6)
    assert p.columns["entropy"] == 0 and p.columns["rank"] == 2 and p.columns["logprob"] == -math.inf
    assert p.columns["top_logprobs"].tolist() == [[0, -math.inf, -math.inf]]
    assert sorted(p.columns["top_ids"][0].tolist()) == [0, 1, 2]


@KINDS
def test_one_vocabulary_extends_the_other(kind: type[Rows]) -> None:
    """Both are conditioned on the ids that both have; an id that only one has ranks behind all in the other."""
    x, y, ids = pair(3, 1500, 2.0, 0.5)
    p, q = of(kind, ids, x, y)
    (longer,) = of(kind, ids, torch.cat([y, torch.full((5, 70), 9.0)], -1))
    for mine, expected in zip(p.divergences(longer), p.divergences(q), strict=True):
        torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-6)
    (beyond,) = of(kind, torch.full((5,), 1510), x)
    assert beyond.columns["rank"].tolist() == [1501] * 5 and np.isneginf(beyond.columns["logprob"]).all()


@KINDS
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_row_with_no_number_is_told_apart(kind: type[Rows], bad: float) -> None:
    x = torch.zeros(3, 3000)
    x[1, 1500] = bad
    x[2] = -math.inf
    (made,) = of(kind, torch.zeros(3, dtype=torch.int64), x)
    assert np.isnan(made.columns["entropy"]).tolist() == [False, True, True]


def test_threads_change_nothing() -> None:
    x, y, ids = pair(1, 25_000, 3.0, 1.0)
    x, y, ids = (torch.cat([z] * 9) for z in (x, y, ids))  # more than a thread's work
    before, made = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            a, b = of(FusedRows, ids, x, y, k=7)
            made.append([*a.columns.values(), *(n.numpy() for n in a.divergences(b))])
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(one, other) for one, other in zip(*made, strict=True))


def test_the_compiled_ones_are_used_on_a_cpu() -> None:
    assert rows_on([torch.device("cpu")]) is FusedRows
    assert rows_on([torch.device("cpu"), torch.device("meta")]) is TorchRows
