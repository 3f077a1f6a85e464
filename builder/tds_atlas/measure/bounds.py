"""What lists of likeliest tokens prove about divergences and entropies: bounds that hold whatever the rest is.

P is the aligned model's distribution, Q the base's. Of each some ids are known with their probabilities; every other id
has at most the probability `cap`. For D = Σ f(p, q) with f convex and homogeneous and any r > 0, let (α, β) be the
gradient of f at (r, 1). Then f(p, q) >= αp + βq everywhere, and by weak duality (C: known of both)

    D >= Σ_C f + Σ_{P alone} [f(p, q*) - βq*] + Σ_{Q alone} [f(p*, q) - αp*] + α m_P + β m_Q,

with q* = min(cap_Q, p/r), p* = min(cap_P, rq), and m the mass outside each list. r is the ratio of what lies outside C.
Knows no model: NumPy alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

Array = np.ndarray
SLACK = 2e-6  # what the float32 log-probabilities of a list may be off in sum
LEAST = "least"  # a column for bounds alone, which is not stored
_DIVERGENCES = ("kl_aligned_base", "kl_base_aligned", "js")


@dataclass(frozen=True)
class Known:
    """What is known of the distributions of T positions."""

    ids: Array  # [T, m] each once; -1: no entry
    p: Array  # [T, m] float64; 0 without an entry
    cap: Array  # [T] no other id has more
    width: int  # of the vocabulary
    least: Array | None = None  # [T] ln of what any id has at least: known whole, or proved by the head (head_floor.py)

    @classmethod
    def of(cls, columns: dict[str, Array], own: Array, width: int) -> Self:
        """Of lists `top_ids` and `top_logprobs`, likeliest first, and each position's own token with its `logprob`."""
        ids, logprobs = columns["top_ids"].astype(np.int64), columns["top_logprobs"].astype(np.float64)
        cap = np.exp(np.where(ids >= 0, logprobs, np.inf).min(1, initial=0.0))
        cap = np.where((ids >= 0).sum(1) >= width, 0.0, cap)
        known = cls(ids, np.where(ids >= 0, np.exp(logprobs), 0.0), cap, width, columns.get(LEAST))
        return known.also(own[:, None], columns["logprob"].astype(np.float64)[:, None])

    def also(self, ids: Array, logprobs: Array, least: Array | None = None) -> Self:
        """With more ids [T, n] and their log-probabilities; those that are known already, or -1, add nothing."""
        ids = ids.astype(np.int64)
        new = (ids >= 0) & ~(ids[:, :, None] == self.ids[:, None, :]).any(2)
        more, p = np.where(new, ids, -1), np.where(new, np.exp(logprobs), 0.0)
        both = np.concatenate([self.ids, more], 1), np.concatenate([self.p, p], 1)
        return type(self)(*both, self.cap, self.width, self.least if least is None else least)

    @property
    def outside(self) -> Array:
        """[T] the mass of all other ids."""
        mass: Array = np.clip(1 - self.p.sum(1), 0, None)
        return mass


def _kl(p: Array, q: Array) -> Array:
    with np.errstate(all="ignore"):
        terms: Array = np.where(p > 0, p * np.log(p / q), 0.0)
    return terms


def _js(p: Array, q: Array) -> Array:
    terms: Array = 0.25 * (_kl(2 * p, p + q) + _kl(2 * q, p + q))
    return terms


def _kl_gradient(r: Array) -> tuple[Array, Array]:
    return np.log(r) + 1, -r


def _js_gradient(r: Array) -> tuple[Array, Array]:
    return 0.5 * np.log(2 * r / (1 + r)), 0.5 * np.log(2 / (1 + r))


@dataclass(frozen=True)
class _Sorted:
    """The ids of P and Q, sorted by who knows them."""

    p: Known
    q: Known
    q_of: Array  # [T, m] Q's probability of each id of P, where known
    common: Array  # [T, m] ids of P that Q knows, too
    p_alone: Array  # [T, m]
    q_alone: Array  # [T, n] ids of Q that P does not know

    @classmethod
    def of(cls, p: Known, q: Known) -> Self:
        same = (p.ids[:, :, None] == q.ids[:, None, :]) & (p.ids >= 0)[:, :, None]  # [T, m, n]
        common, valid = same.any(2), p.ids >= 0
        q_of = np.where(same, q.p[:, None, :], 0).sum(2)
        return cls(p, q, q_of, common, valid & ~common, (q.ids >= 0) & ~same.any(1))

    def seen(self, f: Callable[[Array, Array], Array]) -> Array:
        total: Array = np.where(self.common, f(self.p.p, np.where(self.common, self.q_of, 1)), 0).sum(1)
        return total

    def beyond(self) -> tuple[Array, Array]:
        """[T] each: the mass that P and Q give to what is not known of both."""
        masses = (np.where(self.common, x, 0).sum(1) for x in (self.p.p, self.q_of))
        p, q = (np.clip(1 - mass, 1e-300, None) for mass in masses)
        return p, q

    def lower(self, f: Callable[[Array, Array], Array], gradient: Callable[[Array], tuple[Array, Array]]) -> Array:
        big_p, big_q = self.beyond()
        r = np.clip(big_p / big_q, 1e-12, 1e12)
        alpha, beta = gradient(r)
        q = np.minimum(self.q.cap[:, None], self.p.p / r[:, None])
        p = np.minimum(self.p.cap[:, None], self.q.p * r[:, None])
        mine = np.where(self.p_alone, f(self.p.p, np.where(self.p_alone, q, 1)) - beta[:, None] * q, 0).sum(1)
        other = np.where(self.q_alone, f(p, np.where(self.q_alone, self.q.p, 1)) - alpha[:, None] * p, 0).sum(1)
        slack = SLACK * (abs(alpha) + abs(beta) + 1)
        bound: Array = self.seen(f) + mine + other + alpha * self.p.outside + beta * self.q.outside - slack
        return bound.clip(0)

    def js_upper(self) -> Array:
        """f is at most (p + q) ln 2 / 2."""
        return np.minimum(self.seen(_js) + 0.5 * math.log(2) * sum(self.beyond()) + 4 * SLACK, math.log(2))

    def kl_upper(self) -> Array:
        """NaN, as an id outside of Q's list may have no probability at all; unless there is a least that any id has.

        With q >= ε for every id: Σ_C p ln(p/q) + Σ_{P alone} p ln(p/ε) + m_P ln(cap_P/ε), the last term at least 0.
        """
        if self.q.least is None:
            return np.full(len(self.p.cap), np.nan)
        with np.errstate(all="ignore"):
            rest = np.maximum(np.log(self.p.cap) - self.q.least, 0)
            rest = np.where(self.p.cap > 0, (self.p.outside + SLACK) * rest, 0)
            alone = self.p.p * (np.log(self.p.p) - self.q.least[:, None])
            alone = np.where(self.p_alone & (self.p.p > 0), alone, 0).sum(1)
        bound: Array = self.seen(_kl) + alone + rest + 40 * SLACK
        return bound


def entropy_bounds(known: Known) -> dict[str, Array]:
    """Least where the mass outside is in as few ids as the cap allows, greatest where all others share it."""
    mass, cap, others = known.outside, known.cap, known.width - (known.ids >= 0).sum(1)
    with np.errstate(all="ignore"):
        seen = -np.where(known.p > 0, known.p * np.log(known.p), 0).sum(1)
        full = np.where(cap > 0, np.floor(mass / cap), 0)
        rest = np.clip(mass - full * cap, 0, None)
        least = seen - np.where(full > 0, full * cap * np.log(cap), 0) - np.where(rest > 0, rest * np.log(rest), 0)
        most = seen + np.where((mass > 0) & (others > 0), mass * np.log(others / mass), 0)
    least = np.where(cap > 0, least, seen)
    top = math.log(known.width)
    return {
        "entropy_lower": _down(np.clip(least - 20 * SLACK, 0, None)),
        "entropy_upper": _up(np.minimum(most + 20 * SLACK, top)),
    }


def divergence_bounds(aligned: Known, base: Known) -> dict[str, Array]:
    """Lower and upper bounds of the three divergences [T]; no values (NaN), even where both happen to be equal.

    A mean over the few such positions would be taken for one over all.
    """
    forth, back = _Sorted.of(aligned, base), _Sorted.of(base, aligned)
    found = {
        "kl_aligned_base_lower": _down(forth.lower(_kl, _kl_gradient)),
        "kl_aligned_base_upper": _up(forth.kl_upper()),
        "kl_base_aligned_lower": _down(back.lower(_kl, _kl_gradient)),
        "kl_base_aligned_upper": _up(back.kl_upper()),
        "js_lower": _down(forth.lower(_js, _js_gradient)),
        "js_upper": _up(forth.js_upper()),
    }
    found["js_lower"] = np.minimum(found["js_lower"], found["js_upper"])
    unknown = np.full(len(aligned.cap), np.nan, np.float32)
    return found | dict.fromkeys((*_DIVERGENCES, "clamped"), unknown)


def _down(values: Array) -> Array:
    """As float32, never above the value."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def _up(values: Array) -> Array:
    near = values.astype(np.float32)
    return np.where(near < values, np.nextafter(near, np.float32(np.inf)), near)
