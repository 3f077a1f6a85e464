"""Answers, generated greedily in batches with the KV cache, or tokenised from files. Gives token ids, not only text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast

from builder.domain import Answer, Condition, InputError, Prompt, Response
from builder.measure.contexts import Frame
from builder.measure.decode import decode_with_spans
from builder.measure.memory import without_overflow
from builder.measure.models import LoadedModel


@dataclass(frozen=True)
class Side:
    """A condition ready to speak: its model, and its context as that model reads it."""

    model: LoadedModel
    frame: Frame

    def too_large(self, prompt: str) -> InputError:
        name = self.model.checkpoint.model_id
        return InputError(
            f"model {name} runs out of memory on {self.model.device} even alone, on prompt {prompt[:40]!r}"
        )


def generate(
    model: LoadedModel,
    frame: Frame,
    condition: Condition,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
) -> list[Response]:
    """One batch: the answer of the condition to each prompt, up to and with its end token."""
    heads = [frame.prompt_ids(prompt.text) for prompt in prompts]
    _check_length(model, prompts, heads, max_new_tokens)
    tails = without_overflow(lambda part: greedy(model, part, max_new_tokens), heads, _too_large(model, prompts))
    return [
        _response(frame.tokenizer, condition, prompt, tail, model.end_ids)
        for prompt, tail in zip(prompts, tails, strict=True)
    ]


def tokenise(frame: Frame, source: str, answers: Sequence[Answer], end_ids: tuple[int, ...]) -> list[Response]:
    """Ready answers as responses, tokenised after their prompt in the given context.

    An answer that ended by itself gets the end token as its last position, once, as a generated one has.
    """
    responses = []
    for answer in answers:
        ids, spans, boundary = frame.answer_ids(answer.prompt.text, answer.text)
        text, finish = answer.text, answer.finish or "unknown"
        if ids and ids[-1] in end_ids:  # the end token, written out
            text, finish = text[: spans[-1][0]], "stop"
            spans = (*spans[:-1], (len(text), len(text)))
        elif finish == "stop":
            ids, spans = (*ids, end_ids[0]), (*spans, (len(text), len(text)))
        prompt_id, has_end = answer.prompt.prompt_id, finish == "stop"
        responses.append(
            Response(f"{source}/{prompt_id}", prompt_id, source, None, text, ids, spans, has_end, finish, boundary)
        )
    return responses


def greedy(model: LoadedModel, heads: Sequence[tuple[int, ...]], max_new_tokens: int) -> list[tuple[int, ...]]:
    """New ids after each head, cut after the first end token. Pads on the left; a model that reads it, head by head."""
    if len(heads) > 1 and not model.hides_padding:
        return [tail for head in heads for tail in greedy(model, [head], max_new_tokens)]
    width = max(map(len, heads))
    pad = model.end_ids[0]
    ids = torch.tensor([[pad] * (width - len(head)) + list(head) for head in heads], device=model.device)  # [B, T]
    mask = torch.tensor([[0] * (width - len(head)) + [1] * len(head) for head in heads], device=model.device)
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens, do_sample=False, num_beams=1, pad_token_id=pad, eos_token_id=list(model.end_ids)
    )
    with torch.inference_mode(), model.using():
        out = model.model.generate(ids, attention_mask=mask, generation_config=settings)
    return [_until_end(row, model.end_ids) for row in out[:, width:].tolist()]


def _until_end(ids: list[int], end_ids: tuple[int, ...]) -> tuple[int, ...]:
    end = next((i for i, token in enumerate(ids) if token in end_ids), len(ids) - 1)
    return tuple(ids[: end + 1])


def _response(
    tokenizer: PreTrainedTokenizerFast,
    condition: Condition,
    prompt: Prompt,
    ids: tuple[int, ...],
    end_ids: tuple[int, ...],
) -> Response:
    has_end = ids[-1] in end_ids
    text, spans = decode_with_spans(tokenizer, ids[:-1] if has_end else ids)
    if has_end:
        spans = (*spans, (len(text), len(text)))
    source = condition.condition_id
    return Response(
        f"{source}/{prompt.prompt_id}",
        prompt.prompt_id,
        source,
        source,
        text,
        ids,
        spans,
        has_end,
        "stop" if has_end else "length",
    )


def _too_large(model: LoadedModel, prompts: Sequence[Prompt]) -> Callable[[int], InputError]:
    def error(i: int) -> InputError:
        return InputError(
            f"prompt {prompts[i].prompt_id!r}: model {model.checkpoint.model_id} runs out of memory on {model.device} "
            "even alone; lower generate.max_new_tokens or leave it out with prompts.leave_out"
        )

    return error


def _check_length(
    model: LoadedModel, prompts: Sequence[Prompt], heads: Sequence[tuple[int, ...]], max_new_tokens: int
) -> None:
    limit = model.context_length
    for prompt, head in zip(prompts, heads, strict=True):
        if limit is not None and len(head) + max_new_tokens > limit:
            raise InputError(
                f"prompt {prompt.prompt_id!r}: {len(head)} tokens and generate.max_new_tokens "
                f"{max_new_tokens} exceed the {limit} positions of model {model.checkpoint.model_id}; "
                "lower it or leave the prompt out with prompts.leave_out"
            )
