"""Models in this process's memory, run by transformers. What one can do is found by running it, not by its name."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from tds_atlas.domain import InputError, Sampling, one_line
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.measure.end_tokens import until_end
from tds_atlas.measure.engines.loading import Weights
from tds_atlas.measure.engines.opening import LEAST, Opening, goes_on
from tds_atlas.measure.memory import rows_at_once
from tds_atlas.measure.output_head import Head, find_head
from tds_atlas.measure.sampling import Draw
from tds_atlas.measure.side import Ids


@dataclass
class LoadedModel:
    """A model ready to score: its body gives hidden states and its head logits, separately or in one pass."""

    checkpoint: Checkpoint
    weights: Weights
    end_ids: tuple[int, ...]
    adapter: str | None = None
    loaded: str = ""  # what was found when it was loaded, for a reader
    opening: Opening | None = None  # read last

    @property
    def model(self) -> Any:
        return self.weights.model

    @property
    def engine(self) -> str:
        return f"transformers {version('transformers')}"

    @property
    def attention(self) -> str:
        return str(self.model.config._attn_implementation)

    @property
    def dtype(self) -> str:
        return str(self.model.dtype).replace("torch.", "")

    @property
    def device(self) -> torch.device:
        return torch.device(self.model.device)

    @cached_property
    def vocab_size(self) -> int:
        return int(self.model.get_output_embeddings().weight.shape[0])

    @cached_property
    def weight_bytes(self) -> int:
        """Bytes of the weights in memory, those that it shares with other models among them."""
        return sum(tensor.nbytes for tensor in self.model.parameters())

    @cached_property
    def cache_bytes(self) -> int:
        """Bytes that a token of a text adds to what the model keeps of it; 0 without a cache."""
        with torch.inference_mode(), self.using():
            cache = getattr(self.model(input_ids=self._probe_ids, use_cache=True), "past_key_values", None)
        kept = [value for layer in getattr(cache, "layers", ()) for value in vars(layer).values()]
        return sum(x.nbytes for x in kept if isinstance(x, Tensor)) // self._probe_ids.shape[1]

    @cached_property
    def context_length(self) -> int | None:
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    @cached_property
    def unreadable(self) -> int:
        """The id that the model reads instead of one that it does not have."""
        return self.end_ids[0]

    def readable(self, ids: Sequence[int]) -> tuple[int, ...]:
        """The ids as the model can read them: one that only an extended vocabulary has becomes the end token."""
        return tuple(i if i < self.vocab_size else self.unreadable for i in ids)

    def using(self) -> AbstractContextManager[Any]:
        """Switch on the adapter of this model, or all adapters off, for the block."""
        return self.weights.using(self.adapter)

    @cached_property
    def static_rope_length(self) -> float:
        """The row length up to which rotary embeddings are fixed; some stretch with the length of a longer row."""
        config = self.model.config.get_text_config()
        rope = getattr(config, "rope_parameters", None) or {}
        if rope.get("rope_type") not in ("dynamic", "longrope"):
            return float("inf")
        return float(rope.get("original_max_position_embeddings") or config.max_position_embeddings)

    @cached_property
    def head(self) -> Head | None:
        """Hidden states -> logits, or None if only this model's own forward knows how."""
        with torch.inference_mode(), self.using():
            return find_head(self.model, self.body, self.logits)

    def check_causal(self) -> None:
        """Raises InputError if the logits of a token depend on tokens after it, or if the model cannot run."""
        name = f"models.{self.checkpoint.model_id}: {type(self.model).__name__}"
        try:
            with torch.inference_mode(), self.using():
                short, long = self.logits(self._probe_ids[:, :8]), self.logits(self._probe_ids)[:, :8]
        except Exception as error:  # of any type, from the model's own code: settings that clash, a missing kernel
            raise InputError(f"{name} cannot read a short text: {one_line(error)}; check its config.json") from None
        if bool(short.isnan().any()):
            raise InputError(f"{name} computes no numbers (NaN): its weights are damaged, or too large for their dtype")
        if bool(short.isfinite().all()) and not self._agree(short, long):
            raise InputError(
                f"{name} reads tokens ahead; give a causal language model (does its config say is_decoder: false?)"
            )

    @cached_property
    def hides_padding(self) -> bool:
        """Whether masked padding on the left changes nothing: some recurrent states and position counts include it."""
        ids = torch.cat([self._probe_ids[:, :3], self._probe_ids], -1)
        mask = (torch.arange(ids.shape[1], device=self.device) >= 3).long()[None]
        with torch.inference_mode(), self.using():
            behind_padding = self.logits(ids, attention_mask=mask, **self.position_ids(mask))[:, 3:]
            return self._agree(self.logits(self._probe_ids), behind_padding)

    def position_ids(self, mask: Tensor) -> dict[str, Tensor]:
        """[B, T] mask -> the position of each token, for models that take positions; others count for themselves."""
        return {"position_ids": (mask.cumsum(-1) - 1).clamp_min(0)} if self.accepts_position_ids else {}

    @cached_property
    def accepts_position_ids(self) -> bool:
        """Whether the model takes the positions of its tokens."""
        return "position_ids" in inspect.signature(self.model.forward).parameters

    @property
    def _probe_ids(self) -> Tensor:
        return torch.arange(1, 13, device=self.device)[None] % self.vocab_size  # [1, 12]

    def _agree(self, one: Tensor, other: Tensor) -> bool:
        """On average, in standard deviations of the logits: in half precision a single logit may be far off.

        So it may where activations are quantised, too: by scales that other tokens of the batch decide.
        """
        coarse = self.weights.is_quantised or self.model.dtype in (torch.bfloat16, torch.float16)
        tolerance = 5e-2 if coarse else 1e-3
        one, other = one.float(), other.float()
        return bool((one - other).square().mean().sqrt() <= tolerance * one.std().clamp_min(1e-6))

    def body(self, ids: Tensor, **masks: Tensor) -> Tensor:
        """[B, T] ids, right-padded -> [B, T, d] hidden states. Causal, so padding on the right needs no mask."""
        states: Tensor = self.model.base_model(input_ids=ids, use_cache=False, **masks).last_hidden_state
        return states

    def logits(self, ids: Tensor, **masks: Tensor) -> Tensor:
        """[B, T] ids -> [B, T, V] logits by the model's own forward, for models whose `head` is None."""
        logits: Tensor = self.model(input_ids=ids, use_cache=False, **masks).logits
        return logits

    @cached_property
    def continues(self) -> bool:
        """Whether an opening can be read once for many texts."""
        with torch.inference_mode(), self.using():
            return goes_on(self.model.base_model, self._probe_ids, self._agree)

    def _opening(self, rows: Sequence[Ids], size: int) -> Opening | None:
        """The first `size` ids, which all rows share, as read before; None if that is no gain, or too much to keep."""
        width = max(map(len, rows))
        if size < LEAST or self.texts_at_once(width, len(rows)) < len(rows) or not self.continues:
            return None
        if self.opening is None or self.opening.ids != rows[0][:size]:
            self.opening = Opening.read(self.model.base_model, rows[0][:size], self.device)
        return self.opening

    def states(self, rows: Sequence[Ids], last: Sequence[int], opening: int = 0) -> list[Tensor]:
        """Rows together, padded on the right, if that is the same; what all begin with is read once."""
        width = max(map(len, rows))
        if self.head is None or width > self.static_rope_length:
            forward = self.body if self.head else self.logits
            return [forward(torch.tensor([r], device=self.device))[0, -n:] for r, n in zip(rows, last, strict=True)]
        if begun := self._opening(rows, opening):
            return [x[-n:] for x, n in zip(begun.states_of(self.model.base_model, rows), last, strict=True)]
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.device)  # [B, T]
        return [x[: len(row)][-n:] for x, row, n in zip(self.body(ids), rows, last, strict=True)]

    def states_again(self, row: Ids, last: int) -> Tensor:
        """[n, d or V] A row alone, behind masked padding if that changes nothing."""
        forward = self.body if self.head else self.logits
        pad = 1 + len(row) % 7 if self.hides_padding else 0
        ids = torch.tensor([[0] * pad + list(row)], device=self.device)
        mask = torch.tensor([[0] * pad + [1] * len(row)], device=self.device)
        return forward(ids, attention_mask=mask, **self.position_ids(mask))[0, pad:][-last:]

    def texts_at_once(self, tokens: int, most: int) -> int:
        return rows_at_once([self], tokens, most)

    def greedy(self, prompts: Sequence[Ids], max_new_tokens: int) -> list[Ids]:
        """Pads on the left; a model that reads padding gets one prompt at a time."""
        if len(prompts) > 1 and not self.hides_padding:
            return [answer for prompt in prompts for answer in self.greedy([prompt], max_new_tokens)]
        return self._written(prompts, max_new_tokens)

    def sampled(
        self, prompts: Sequence[Ids], max_new_tokens: int, sampling: Sampling, seeds: Sequence[int]
    ) -> list[Ids]:
        if len(prompts) > 1 and not self.hides_padding:
            pairs = zip(prompts, seeds, strict=True)
            return [ids for one, seed in pairs for ids in self.sampled([one], max_new_tokens, sampling, [seed])]
        return self._written(prompts, max_new_tokens, Draw(sampling, list(map(len, prompts)), seeds, max_new_tokens))

    def _written(self, prompts: Sequence[Ids], max_new_tokens: int, *processors: LogitsProcessor) -> list[Ids]:
        """The likeliest tokens, once the processors have seen to it which these are."""
        width, pad = max(map(len, prompts)), self.end_ids[0]
        ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=self.device)  # [B, T]
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self.device)
        ends = list(self.end_ids)
        settings = GenerationConfig(
            max_new_tokens=max_new_tokens, do_sample=False, num_beams=1, pad_token_id=pad, eos_token_id=ends
        )
        with torch.inference_mode(), self.using():
            out = self.model.generate(
                ids, attention_mask=mask, generation_config=settings, logits_processor=LogitsProcessorList(processors)
            )
        return [until_end(row, self.end_ids) for row in out[:, width:].tolist()]
