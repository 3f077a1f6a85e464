"""Two models write one text together, a token at a time; at each position a rule says whose first choice is taken.

Both keep their caches; each reads the text after its own prompt. Knows only token ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.probes.reader import Reader
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import rows_on

Takes = Callable[[float, float], bool]  # (JS of the two models, entropy of the base), nats -> take the aligned choice?


@dataclass
class JointText:
    """One text written by both models, and what was measured at each of its positions."""

    ids: list[int] = field(default_factory=list)  # [n] with the end token last, if it was reached
    is_swap: list[bool] = field(default_factory=list)  # [n] the aligned model's choice was taken
    is_change: list[bool] = field(default_factory=list)  # [n] and it differed from the base's
    js: list[float] = field(default_factory=list)  # [n] nats
    entropy: list[float] = field(default_factory=list)  # [n] of the base, nats


def write(
    base: LoadedModel,
    aligned: LoadedModel,
    prompts: Sequence[tuple[Ids, Ids]],  # the ids before the answer, for base and aligned
    takes: Sequence[Takes],
    max_new_tokens: int,
) -> list[JointText]:
    """One batch, greedily, until every text has its end token or its maximum length.

    A text ends at an end token of the model whose choice was taken.
    """
    texts = [JointText() for _ in prompts]
    readers = [Reader(m, [p[i] for p in prompts]) for i, m in enumerate((base, aligned))]
    unfinished = list(range(len(prompts)))
    with torch.inference_mode():
        logits = [reader.read() for reader in readers]  # 2 x [B, V]
        for step in range(max_new_tokens):
            firsts = [x.argmax(-1).tolist() for x in logits]
            js, entropy = _js_and_entropy(*logits)
            still = []
            for row, i in enumerate(unfinished):
                swap = takes[i](js[row], entropy[row])
                token = firsts[swap][row]
                _add(texts[i], token, swap, swap and firsts[0][row] != firsts[1][row], js[row], entropy[row])
                if token not in (aligned if swap else base).end_ids:
                    still.append(row)
            if not still or step + 1 == max_new_tokens:
                break
            unfinished = [unfinished[row] for row in still]
            for reader in readers:
                reader.keep(still)
            new = [texts[i].ids[-1] for i in unfinished]
            logits = [reader.read(new) for reader in readers]
    return texts


def _js_and_entropy(base: Tensor, aligned: Tensor) -> tuple[list[float], list[float]]:
    """JS of the two, and the base's entropy, per row, in nats."""
    kind, none = rows_on([base.device]), torch.zeros(len(base), dtype=torch.int64)
    b, a = (kind.of(x.to(base.device), none, 1) for x in (base, aligned))
    return a.divergences(b)[2].tolist(), b.columns["entropy"].tolist()


def _add(text: JointText, token: int, is_swap: bool, is_change: bool, js: float, entropy: float) -> None:
    text.ids.append(token)
    text.is_swap.append(is_swap)
    text.is_change.append(is_change)
    text.js.append(js)
    text.entropy.append(entropy)
