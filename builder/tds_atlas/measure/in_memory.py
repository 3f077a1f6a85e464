"""Models that somebody holds in memory, read over given texts and left as they were found: as in a training loop.

One text for both models, and one tokenizer: what a chat template or a context makes of a prompt is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from tds_atlas.domain import Answer, Comparison, Condition, Divergence, InputError, Prompt, Response, Score
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.settings import ContextSettings, ModelSettings
from tds_atlas.inputs.turns import last_of_user, turns_of
from tds_atlas.measure.answers import Reader
from tds_atlas.measure.contexts import Frame
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.engines.loading import Weights
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.output_head import forget_head
from tds_atlas.measure.score import Scorer
from tds_atlas.measure.side import Ids, Side

PAIR = Comparison("base-tuned", "base → tuned", "tuning", Condition("base", "text"), Condition("tuned", "text"), "text")
_TOP_K, _BATCH_TOKENS, _CHUNK_LOGITS = 10, 2048, 4_000_000  # what bounds the memory beside the models
Read = tuple[Ids, Response]  # the ids before what is scored, and what is scored
Measured = tuple[dict[str, Score], Divergence]


def read_text(tokenizer: PreTrainedTokenizerBase, text: str, name: str = "text") -> Read:
    """A whole text: all of it is scored but its first token, before which there is nothing to predict it from."""
    ids: list[int] = list(tokenizer(text)["input_ids"])
    if len(ids) > 1 and ids[0] == ids[1] == tokenizer.bos_token_id:  # the text has it, and the tokenizer adds it
        ids = ids[1:]
    if len(ids) < 2:
        raise InputError(f"{name}: {text[:40]!r} gives {len(ids)} tokens; the second is the first to be scored")
    said, spans = decode_with_spans(tokenizer, ids[1:])  # type: ignore[arg-type]
    ended = ids[-1] == tokenizer.eos_token_id
    return tuple(ids[:1]), Response(name, name, "text", None, said, tuple(ids[1:]), spans, ended, "unknown")


def read_answer(tokenizer: PreTrainedTokenizerBase, prompt: Any, answer: str, name: str = "answer") -> Read:
    """An answer behind its prompt: a text, word for word, or messages, which the chat template writes out.

    An end token that closes the answer is a position of its own.
    """
    turns = None if isinstance(prompt, str) else turns_of(name, prompt)
    if not prompt or (turns is None and not isinstance(prompt, str)):
        raise InputError(f"{name}: prompt: give a text, or a list of messages, each with role and content")
    kind, text = ("verbatim", prompt) if turns is None else ("chat", last_of_user(turns))
    frame = Frame("text", ContextSettings(kind=kind, special_text="tokens"), tokenizer)  # type: ignore[arg-type]
    asked = Prompt(name, text, "text", input=None if turns else prompt, turns=turns or ())
    ends = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
    response = Reader(frame, ends).read("text", Answer(asked, answer))
    return frame.prompt_ids(frame.reads(asked)), response


def score_pair(base: Any, tuned: Any, texts: Sequence[Read]) -> list[Measured]:
    """What both models say of each text, in order. base: None for the tuned model with its adapter switched off.

    Both are as before afterwards: training mode, gradients, what they ask gradients of, and torch's random numbers.
    """
    tuned = unwrapped(tuned)
    base = None if base is None else unwrapped(base)
    with left_as_found(*(model for model in (base, tuned) if model is not None)):
        sides = [_held(PAIR.base, tuned if base is None else base, base is None), _held(PAIR.aligned, tuned)]
        scorer = Scorer(sides, [PAIR], _TOP_K, _BATCH_TOKENS, _CHUNK_LOGITS)
        ids = {response.response_id: dict.fromkeys((PAIR.base, PAIR.aligned), before) for before, response in texts}
        found: dict[str, Measured] = {}
        for batch in scorer.batches([response for _, response in texts], ids):
            for scores, (divergence,) in scorer.score(batch, ids):
                found[divergence.response_id] = {s.condition_id: s for s in scores}, divergence
    return [found[response.response_id] for _, response in texts]


def unwrapped(model: Any) -> Any:
    """The model within DDP or torch.compile."""
    while inner := getattr(model, "_orig_mod", None) or (hasattr(model, "reducer") and model.module):
        model = inner
    return model


def has_adapter(model: Any) -> bool:
    """Whether it is a model of PEFT."""
    return hasattr(model, "peft_config") and hasattr(model, "disable_adapter") and hasattr(model, "get_base_model")


@contextmanager
def left_as_found(*models: Any) -> Iterator[None]:
    """Models ready to be read for the block: no dropout, no autocast of a Trainer's, no number drawn in their place."""
    modules = {module: module.training for model in models for module in model.modules()}
    asked = {weight: weight.requires_grad for model in models for weight in model.parameters()}
    cards = sorted({weight.device.index for weight in asked if weight.device.type == "cuda"})
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=cards))
        for model in models:
            stack.enter_context(_own_forward(model))
            model.eval()
        try:
            yield
        finally:
            for module, training in modules.items():
                module.training = training
            for weight, flag in asked.items():
                weight.requires_grad_(flag)
            for model in models:
                forget_head(_inner(model))


def _inner(model: Any) -> Any:
    return model.get_base_model() if has_adapter(model) else model


@contextmanager
def _own_forward(model: Any) -> Iterator[None]:
    """Without what Accelerate puts around a model's forward: mixed precision would decide ranks."""
    around = vars(model).get("forward") if "_original_forward" in vars(model) else None
    if around is not None:
        model.forward = vars(model)["_original_forward"]
    try:
        yield
    finally:
        if around is not None:
            model.forward = around


def _held(condition: Condition, model: Any, adapter_off: bool = False) -> Side:
    """A model as a side of the comparison. Its texts are ids already: the frame is never asked."""
    if adapter_off and not has_adapter(model):
        raise InputError(
            "base: missing; without it the tuned model has to be one of PEFT, whose adapter is switched off"
        )
    name = condition.model_id
    checkpoint = Checkpoint(name, ModelSettings(path=Path(name)), Path(name), None, "", "", "auto", Path(name))
    weights = Weights(_inner(model), peft_model=model if adapter_off else None)
    loaded = LoadedModel(checkpoint, weights, (0,))
    frame: Any = None
    return Side(condition, frame, lambda: loaded)
