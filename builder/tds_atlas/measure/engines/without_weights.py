"""What models have in common of which only lists are known, whether a server or a file gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.model_config import read_config, vocab_size
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns


@dataclass
class WithoutWeights:
    """A checkpoint whose tokenizer and configuration are here, and whose weights are not."""

    checkpoint: Checkpoint
    end_ids: Ids

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    @cached_property
    def vocab_size(self) -> int:
        folder = self.checkpoint.folder
        return vocab_size(folder, read_config(folder))

    def readable(self, ids: Sequence[int]) -> Ids:
        return tuple(i if i < self.vocab_size else self.end_ids[0] for i in ids)

    def texts_at_once(self, tokens: int, most: int) -> int:
        return most


def joined(answers: Iterable[Columns]) -> Columns:
    """The columns of one answer after another."""
    found = list(answers)
    return {name: np.concatenate([columns[name] for columns in found]) for name in found[0]}
