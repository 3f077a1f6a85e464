"""Statistics of a CPU in two passes over the logits: each row is read once by itself and once beside another.

Compiled by numba when first called, and kept on the disk beside this file. `distance.py` says the same in torch's
words, and is the reference; here no term of a divergence is negative, so that nearly equal rows keep their digits.
"""

# mypy: ignore-errors
# numba infers types of its own.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

BLOCK = 1024  # logits that are worked on together: they stay in the first cache, and a float32 sum is exact enough
_PART = 64  # logits among which a candidate is looked for one by one
_F = np.float32
_LEAST = _F(-87.0)  # e to less than this is no normal float32
_LN2 = _F(0.6931471805599453)
# Sums may be taken in any order; what is infinite or not a number keeps its meaning.
_SUMS = {"reassoc", "contract", "nsz", "arcp"}


def _compiled(fastmath: set[str], **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba.njit with a cache where there is room for one."""

    def compile_(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(fastmath=fastmath, error_model="numpy", cache=True, **options)(function)
        except RuntimeError:  # no folder that may be written
            return numba.njit(fastmath=fastmath, error_model="numpy", **options)(function)

    return compile_


@intrinsic
def _bits(_: Any, x: Any) -> Any:
    return types.int32(types.float32), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.IntType(32))


@intrinsic
def _from_bits(_: Any, x: Any) -> Any:
    return types.float32(types.int32), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.FloatType())


@intrinsic
def _prefetch(_: Any, row: Any, j: Any) -> Any:
    """Begin to fetch the line of the cache that holds row[j]; j may lie beyond the row."""

    def fetch(context: Any, builder: Any, signature: Any, arguments: Any) -> ir.Constant:
        start = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        i8, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(builder.gep(start, [arguments[1]]), i8)
        call = builder.module.declare_intrinsic(
            "llvm.prefetch", [i8], ir.FunctionType(ir.VoidType(), [i8, i32, i32, i32])
        )
        builder.call(call, [place, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(row, types.int64), fetch


@intrinsic
def _widest_vectors(_: Any) -> Any:
    """Vectors of 512 bits where the processor has them: LLVM prefers half of it, for the sake of earlier processors."""

    def mark(_context: Any, builder: Any, _signature: Any, _arguments: Any) -> ir.Constant:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # llvmlite knows no attributes of targets
        return ir.Constant(ir.IntType(32), 0)

    return types.int32(), mark


@_compiled({"contract"})
def _ordered(bits: Any) -> Any:
    """A float32's bits as a whole number in the floats' order, and back: vectors find the largest of those alone."""
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@_compiled({"contract"})
def _exp(x: Any) -> Any:
    """e^x for x <= 0, to a unit in the last digit; e^-87 for all that is less. The polynomial is that of Cephes."""
    x = x if x > _LEAST else _LEAST
    k = (x * _F(1.4426950408889634) + _F(12582912.0)) - _F(12582912.0)  # the nearest whole number
    r = x - k * _F(0.693359375) + k * _F(2.12194440e-4)
    p = _F(1.9875691500e-4)
    p = p * r + _F(1.3981999507e-3)
    p = p * r + _F(8.3334519073e-3)
    p = p * r + _F(4.1665795894e-2)
    p = p * r + _F(1.6666665459e-1)
    p = p * r + _F(5.0000001201e-1)
    return (p * r * r + r + _F(1.0)) * _from_bits((np.int32(k) + np.int32(127)) << np.int32(23))


@_compiled({"contract"})
def _log(x: Any) -> Any:
    """ln x for 0 < x <= 1, to two units in the last digit; of what is no normal float32, that of the least one."""
    x = x if x > _F(1.17549435e-38) else _F(1.17549435e-38)
    bits = _bits(x) - np.int32(0x3F3504F3)  # so that the mantissa is in sqrt(1/2)..sqrt(2)
    z = _from_bits((bits & np.int32(0x007FFFFF)) + np.int32(0x3F3504F3)) - _F(1.0)
    s = z / (_F(2.0) + z)
    w = s * s
    r = w * (_F(0.66666662693) + w * (_F(0.40000972152) + w * (_F(0.28498786688) + w * _F(0.24279078841))))
    return _F(bits >> np.int32(23)) * _LN2 + (z - s * (z - r))


@_compiled({"contract"})
def _log_p(x: Any, peak: Any, log_total: Any) -> Any:
    """ln p. In this order: the sum of the largest logit and ln Σ would lose digits of the second."""
    return (x - peak) - log_total


@_compiled(_SUMS, nogil=True)
def summarize(
    logits: Any, width: int, ids: Any, k: int, rank: Any, peak: Any, total: Any, moment: Any, top: Any, top_ids: Any
) -> None:
    """Of each row [T, V] of which the first `width` count: 1 + the number of larger logits than that of its id, the
    largest logit x_max, Σ e^(x - x_max), Σ e^(x - x_max) (x - x_max), and the k largest logits with their ids.

    A row that is no distribution (a NaN, +inf, or nothing but -inf) gets the sum NaN.
    """
    _widest_vectors()
    for i in range(logits.shape[0]):
        row = logits[i]
        own = row[ids[i]] if ids[i] < width else _F(np.inf)
        larger, odd, found = 0, 0, 0
        high, sum_, by = _F(-np.inf), 0.0, 0.0
        for start in range(0, width, BLOCK):
            block = row[start : min(width, start + BLOCK)]
            here = _F(-np.inf)
            for first in range(0, block.shape[0], _PART):
                part = block[first : first + _PART]
                largest, count, not_numbers = np.int32(-0x80000000), np.int32(0), np.int32(0)
                for j in range(part.shape[0]):
                    x = part[j]
                    largest = max(largest, _ordered(_bits(x)))
                    count += np.int32(1) if x > own else np.int32(0)
                    not_numbers += np.int32(1) if x != x else np.int32(0)
                most = _from_bits(_ordered(largest))
                larger += count
                odd += not_numbers
                here = most if most > here else here
                if found < k or most > top[i, k - 1]:
                    place = start + first
                    found = _insert(logits, i, place, place + part.shape[0], k, found, top, top_ids)
            if here == _F(-np.inf):
                continue
            block_sum, block_by = _F(0.0), _F(0.0)
            for j in range(block.shape[0]):
                d = block[j] - here
                e = _exp(d) if d > _LEAST else _F(0.0)
                block_sum += e
                block_by += e * (d if d > _LEAST else _F(0.0))
            old, new = np.float64(high), np.float64(max(high, here))
            gap, step = (old - new if sum_ > 0 else 0.0), np.float64(here) - new
            before, after = np.exp(gap), np.exp(step)
            by = before * (by + sum_ * gap) + after * (block_by + block_sum * step)
            sum_ = before * sum_ + after * block_sum
            high = _F(new)
        rank[i] = larger + 1 if ids[i] < width else width + 1
        peak[i] = high
        total[i] = sum_ if odd == 0 and high > _F(-np.inf) and high < _F(np.inf) else np.nan
        moment[i] = by


@_compiled({"contract"})
def _insert(logits: Any, i: int, first: int, end: int, k: int, found: int, top: Any, top_ids: Any) -> int:
    """Logits of row i in their places among the k largest so far; of equal ones the first comes first.

    Takes whole arrays: a slice of one counts its references, for which threads wait for one another.
    """
    for j in range(first, end):
        x = logits[i, j]
        if found < k or x > top[i, k - 1]:
            place = found if found < k else k - 1
            while place > 0 and x > top[i, place - 1]:
                top[i, place], top_ids[i, place] = top[i, place - 1], top_ids[i, place - 1]
                place -= 1
            top[i, place], top_ids[i, place] = x, j
            found = min(found + 1, k)
    return found


@_compiled(_SUMS, nogil=True)
def diverge(
    x: Any, y: Any, width: int, x_peak: Any, x_log: Any, y_peak: Any, y_log: Any, kl: Any, kl_back: Any, js: Any
) -> None:
    """KL(p‖q), KL(q‖p) and JS of each pair of rows [T, V], of which `width` count. x_log: ln Σ e^(x - x_peak).

    With d = ln p - ln q: KL(p‖q) = Σ p (e^-d - 1 + d), since Σ p e^-d = Σ q = Σ p. JS = Σ m g(s), m = (p + q) / 2,
    s = |p - q| / (p + q), g(s) = ½ [(1 + s) ln(1 + s) + (1 - s) ln(1 - s)]: a series in s² near 0. No term is negative,
    and none feels, to first order, that p and q sum to 1 but for a rounding.
    """
    _widest_vectors()
    for i in range(x.shape[0]):
        a, b = x[i], y[i]
        a_peak, a_log, b_peak, b_log = x_peak[i], x_log[i], y_peak[i], y_log[i]
        forth, back, middle = 0.0, 0.0, 0.0
        for start in range(0, width, BLOCK):
            a_block, b_block = a[start : min(width, start + BLOCK)], b[start : min(width, start + BLOCK)]
            for j in range(start + BLOCK, start + 2 * BLOCK, 16):
                _prefetch(a, j)
                _prefetch(b, j)
            f, r, m = _F(0.0), _F(0.0), _F(0.0)
            for j in range(a_block.shape[0]):
                u, v = _log_p(a_block[j], a_peak, a_log), _log_p(b_block[j], b_peak, b_log)
                p, q = (_exp(u) if u > _LEAST else _F(0.0)), (_exp(v) if v > _LEAST else _F(0.0))
                d = u - v
                w = d * d
                even = w * (_F(1 / 2) + w * (_F(1 / 24) + w * _F(1 / 720)))
                odd = d * w * (_F(1 / 6) + w * (_F(1 / 120) + w * _F(1 / 5040)))
                near = abs(d) < _F(0.5)
                p_d = _F(np.inf) if d == _F(np.inf) else p * d if p > _F(0.0) else _F(0.0)
                q_d = _F(-np.inf) if d == _F(-np.inf) else q * d if q > _F(0.0) else _F(0.0)
                f += p * (even - odd) if near else (q - p) + p_d
                r += q * (even + odd) if near else (p - q) - q_d
                high, low = (p if p > q else q), (q if p > q else p)
                both = high + low
                inverse = _F(1.0) / both if both > _F(0.0) else _F(0.0)
                s, one, other = (high - low) * inverse, high * inverse, low * inverse
                t = s * s
                g = t * _F(1 / 240) + _F(1 / 182)
                g = g * t + _F(1 / 132)
                g = g * t + _F(1 / 90)
                g = g * t + _F(1 / 56)
                g = g * t + _F(1 / 30)
                g = g * t + _F(1 / 12)
                g = (g * t + _F(1 / 2)) * t
                m += both * (g if s < _F(0.5) else _LN2 + one * _log(one) + other * _log(other))
            forth += f
            back += r
            middle += m
        kl[i], kl_back[i], js[i] = forth, back, 0.5 * middle
