"""One model reading a batch of texts a token at a time, with its cache; texts can be dropped, repeated, truncated."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from copy import copy
from typing import Any

import torch
from torch import Tensor

from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.side import Ids


class Reader:
    """One model reading a batch of texts, padded on the left; a model that reads padding rereads each row alone."""

    def __init__(self, model: LoadedModel, prompts: Sequence[Ids]) -> None:
        width = max(map(len, prompts))
        self.model = model
        rows = [[model.unreadable] * (width - len(p)) + list(p) for p in prompts]
        self.ids = torch.tensor(rows, device=model.device)  # [B, T]
        self.mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
        self.cache: Any = None
        parameters = inspect.signature(model.model.forward).parameters
        self.keeps_cache = "past_key_values" in parameters
        self.options: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}

    def read(self, new: Sequence[int] = ()) -> Tensor:
        """[B, V] float32 logits of the next token, after one more id for each row."""
        if new:
            ids = self.model.readable(new)
            self.ids = torch.cat([self.ids, torch.tensor(ids, device=self.ids.device)[:, None]], -1)
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(ids), 1)], -1)
        if not self.model.hides_padding:
            return self._row_by_row()
        unread = self.ids if self.cache is None else self.ids[:, -1:]
        inputs: dict[str, Any] = {"input_ids": unread, "attention_mask": self.mask, **self.options}
        inputs |= {name: value[:, -unread.shape[1] :] for name, value in self.model.position_ids(self.mask).items()}
        if self.keeps_cache:
            inputs |= {"use_cache": True, "past_key_values": self.cache}
        else:
            inputs["use_cache"] = False
        with self.model.using():
            out = self.model.model(**inputs)
        self.cache = out.past_key_values if self.keeps_cache else None
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def _row_by_row(self) -> Tensor:
        """[B, V] The same, for one row at a time without its padding."""
        with self.model.using():
            rows = [
                self.model.logits(ids[mask == 1][None])[0, -1] for ids, mask in zip(self.ids, self.mask, strict=True)
            ]
        return torch.stack(rows).float()

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all other rows; a row may be kept several times."""
        if list(rows) == list(range(len(self.ids))):
            return
        indices = torch.tensor(rows, device=self.ids.device)
        self.ids, self.mask = self.ids[indices], self.mask[indices]
        if self.cache is not None:
            self.cache.batch_select_indices(indices)

    def branch(self, rows: Sequence[int], lengths: Sequence[int]) -> Reader:
        """A reader that continues from these rows, each cut to so many of its own ids. This one stays as it is."""
        if self.cache is None or any(self.cache.is_sliding):  # a window counts what the mask hides: reread
            starts = (self.mask == 0).sum(-1).tolist()
            texts = [tuple(self.ids[i, starts[i] : starts[i] + n].tolist()) for i, n in zip(rows, lengths, strict=True)]
            reader = Reader(self.model, texts)
            reader.read()
            return reader
        reader = copy(self)
        reader.cache = copy(self.cache)
        reader.cache.layers = [copy(layer) for layer in self.cache.layers]  # their tensors are replaced, never changed
        reader.keep(rows)
        positions = reader.mask.cumsum(-1)  # [B, T] from 1
        reader.mask = reader.mask * (positions <= torch.tensor(lengths, device=reader.mask.device)[:, None])
        return reader
