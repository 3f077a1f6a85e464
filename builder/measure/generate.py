"""Answers, generated greedily in batches with the KV cache, or tokenised from files. Gives token ids, not only text."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast

from builder.config import ContextSettings
from builder.domain import Answer, Condition, InputError, Prompt, Response
from builder.measure.contexts import answer_ids, prompt_ids
from builder.measure.decode import decode_with_spans
from builder.measure.models import LoadedModel


def generate(
    model: LoadedModel,
    tokenizer: PreTrainedTokenizerFast,
    condition: Condition,
    context: ContextSettings,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
) -> list[Response]:
    """One batch: the answer of the condition to each prompt, up to and with its end token."""
    heads = [prompt_ids(context, tokenizer, prompt.text) for prompt in prompts]
    _check_length(model, prompts, heads, max_new_tokens)
    tails = _greedy(model, heads, max_new_tokens)
    return [
        _response(tokenizer, condition, prompt, tail, model.end_ids)
        for prompt, tail in zip(prompts, tails, strict=True)
    ]


def tokenise(
    tokenizer: PreTrainedTokenizerFast, context: ContextSettings, source: str, answers: Sequence[Answer], end_id: int
) -> list[Response]:
    """Ready answers as responses, tokenised after their prompt in the given context.

    An answer that ended by itself gets the end token as its last position, as a generated one has.
    """
    responses = []
    for answer in answers:
        ids, spans = answer_ids(context, tokenizer, answer.prompt.text, answer.text)
        has_end, length = answer.finish == "stop", len(answer.text)
        if has_end:
            ids, spans = (*ids, end_id), (*spans, (length, length))
        responses.append(
            Response(
                f"{source}/{answer.prompt.prompt_id}",
                answer.prompt.prompt_id,
                source,
                None,
                answer.text,
                ids,
                spans,
                has_end,
                answer.finish,
            )
        )
    return responses


def _greedy(model: LoadedModel, heads: Sequence[tuple[int, ...]], max_new_tokens: int) -> list[tuple[int, ...]]:
    """New ids after each head, cut after the first end token. Pads on the left, where the mask hides it."""
    width = max(map(len, heads))
    pad = model.end_ids[0]
    ids = torch.tensor([[pad] * (width - len(head)) + list(head) for head in heads], device=model.device)  # [B, T]
    mask = torch.tensor([[0] * (width - len(head)) + [1] * len(head) for head in heads], device=model.device)
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens, do_sample=False, num_beams=1, pad_token_id=pad, eos_token_id=list(model.end_ids)
    )
    with torch.inference_mode():
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


def _check_length(
    model: LoadedModel, prompts: Sequence[Prompt], heads: Sequence[tuple[int, ...]], max_new_tokens: int
) -> None:
    limit = model.context_length
    for prompt, head in zip(prompts, heads, strict=True):
        if limit is not None and len(head) + max_new_tokens > limit:
            raise InputError(
                f"prompt {prompt.prompt_id!r}: {len(head)} tokens and generate.max_new_tokens "
                f"{max_new_tokens} exceed the {limit} positions of model {model.checkpoint.model_id}"
            )
