"""A callback for the Trainer of transformers: how far a model has moved from its base, while it is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tds_atlas.domain import MARGINAL_RANK, UNSHIFTED_RANK, InputError
from tds_atlas.measure.in_memory import PAIR, Measured, Read, has_adapter, read_answer, read_text, score_pair, unwrapped

TextGiven = str | tuple[str | list[dict[str, Any]], str]
_SHARDED = "a model that is spread over processes cannot be read by one; use the callback without FSDP and DeepSpeed"


class TDSCallback(TrainerCallback):
    """Logs every n steps how a model in training ranks and differs from its base on fixed texts.

    `tds/shifted_share` is the share of positions (0 to 1) where the model's first choice is not among the base's first
    three, `tds/changed_share` where it is not the base's first choice; both are 0 before training. `tds/kl` is the mean
    KL(model‖base) and `tds/js` the mean Jensen-Shannon divergence over the positions, in nats. They go
    into `state.log_history` and `callback.history` with their step; to send them where the Trainer's other numbers go
    (Weights & Biases, TensorBoard), set `callback.log = trainer.log`. The training itself is the same as without:
    training mode, gradients and random numbers are as before after each look. Only the first process looks.

    Args:
        texts: texts, or pairs of a prompt (a text, or messages for the chat template) and an answer.
        base: the model before training, in memory. None: the model with its PEFT adapter switched off.
        every: steps between two looks; the beginning and the end are looked at, too.
        tokenizer: if the Trainer has none as its `processing_class`.
        log: called with the numbers of each look.

    >>> from tds_atlas import TDSCallback
    >>> callback = TDSCallback(["The sky is blue."], every=50)
    >>> callback.history
    []
    """

    def __init__(
        self,
        texts: Sequence[TextGiven],
        base: Any = None,
        *,
        every: int = 100,
        tokenizer: PreTrainedTokenizerBase | None = None,
        log: Callable[[dict[str, float]], Any] | None = None,
    ) -> None:
        if isinstance(texts, str) or not texts:
            raise InputError("TDSCallback: texts: give a list of texts, or of pairs of a prompt and an answer")
        if type(every) is not int or every < 1:
            raise InputError(f"TDSCallback: every: {every!r} is no number of steps; give 1 or more")
        self.texts, self.base, self.every, self.tokenizer, self.log = tuple(texts), base, every, tokenizer, log
        self.history: list[dict[str, float]] = []
        self._read: list[Read] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Read the texts, and look at the model as it is."""
        tokenizer = self.tokenizer or kwargs.get("processing_class")
        if tokenizer is None:
            raise InputError("TDSCallback: the Trainer has no tokenizer; give tokenizer")
        if args.deepspeed or args.fsdp:
            raise InputError(f"TDSCallback: {_SHARDED}")
        if self.base is None and not has_adapter(unwrapped(kwargs["model"])):
            raise InputError("TDSCallback: base: give the model before training; only one of PEFT holds it itself")
        self._read = [_read(tokenizer, text, f"texts[{i}]") for i, text in enumerate(self.texts)]
        self._look(state, control, kwargs["model"])

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Look at the model every n steps."""
        if state.global_step % self.every == 0:
            self._look(state, control, kwargs["model"])

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at the model as it has become."""
        if not self.history or self.history[-1]["step"] != state.global_step:
            self._look(state, control, kwargs["model"])

    def _look(self, state: TrainerState, control: TrainerControl, model: Any) -> None:
        if not state.is_world_process_zero:
            return
        numbers = shift_numbers(score_pair(self.base, model, self._read))
        self.history.append(numbers | {"step": float(state.global_step)})
        if self.log is None:
            state.log_history.append(numbers | {"step": state.global_step})
            return
        wanted = control.should_log, control.should_evaluate, control.should_save
        self.log(dict(numbers))  # of a Trainer, it takes back that its own numbers are to be logged at this step
        control.should_log, control.should_evaluate, control.should_save = wanted


def shift_numbers(measured: Sequence[Measured]) -> dict[str, float]:
    """Over all positions of all texts: two shares from 0 to 1, two means in nats."""
    base = np.concatenate([scores[PAIR.base.condition_id].top_ids for scores, _ in measured])  # [T, k]
    first = np.concatenate([scores[PAIR.aligned.condition_id].top_ids[:, :1] for scores, _ in measured])  # [T, 1]
    return {
        "tds/shifted_share": float(1 - np.mean((base[:, :MARGINAL_RANK] == first).any(1))),
        "tds/changed_share": float(1 - np.mean((base[:, :UNSHIFTED_RANK] == first).any(1))),
        "tds/kl": float(np.mean(np.concatenate([d.kl_aligned_base for _, d in measured]), dtype=np.float64)),
        "tds/js": float(np.mean(np.concatenate([d.js for _, d in measured]), dtype=np.float64)),
    }


def _read(tokenizer: PreTrainedTokenizerBase, text: TextGiven, name: str) -> Read:
    return read_text(tokenizer, text, name) if isinstance(text, str) else read_answer(tokenizer, *text, name)
