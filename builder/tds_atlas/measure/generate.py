"""Answers, generated greedily in batches with the KV cache. Returns token ids and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from transformers import GenerationConfig

from tds_atlas.domain import InputError, Prompt, Response
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.memory import in_batches, rows_at_once
from tds_atlas.measure.side import Ids, Side


def generate(side: Side, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Response]:
    """One batch: the side's answer to each prompt, including its end token."""
    prompt_ids = [side.prompt_ids(prompt) for prompt in prompts]
    _check_length(side.model, prompts, prompt_ids, max_new_tokens)
    size = rows_at_once([side.model], max(map(len, prompt_ids)) + max_new_tokens, len(prompts))
    answers = in_batches(
        lambda part: greedy(side.model, part, max_new_tokens), prompt_ids, size, _too_large(side.model, prompts)
    )
    return [_response(side, prompt, ids) for prompt, ids in zip(prompts, answers, strict=True)]


def greedy(model: LoadedModel, prompts: Sequence[Ids], max_new_tokens: int) -> list[Ids]:
    """New ids after those of each prompt, truncated after the first end token.

    Pads on the left; a model that reads padding gets one prompt at a time.
    """
    if len(prompts) > 1 and not model.hides_padding:
        return [answer for prompt in prompts for answer in greedy(model, [prompt], max_new_tokens)]
    width = max(map(len, prompts))
    pad = model.end_ids[0]
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=model.device)  # [B, T]
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens, do_sample=False, num_beams=1, pad_token_id=pad, eos_token_id=list(model.end_ids)
    )
    with torch.inference_mode(), model.using():
        out = model.model.generate(ids, attention_mask=mask, generation_config=settings)
    return [_until_end(row, model.end_ids) for row in out[:, width:].tolist()]


def _until_end(ids: list[int], end_ids: tuple[int, ...]) -> tuple[int, ...]:
    end = next((i for i, token in enumerate(ids) if token in end_ids), len(ids) - 1)
    return tuple(ids[: end + 1])


def _response(side: Side, prompt: Prompt, ids: Ids) -> Response:
    has_end = ids[-1] in side.model.end_ids
    text, spans = decode_with_spans(side.frame.tokenizer, ids[:-1] if has_end else ids)
    if has_end:
        spans = (*spans, (len(text), len(text)))
    source, finish = side.condition.condition_id, "stop" if has_end else "length"
    response_id = f"{source}/{prompt.prompt_id}"
    return Response(response_id, prompt.prompt_id, source, source, text, ids, spans, has_end, finish)  # type: ignore[arg-type]


def _too_large(model: LoadedModel, prompts: Sequence[Prompt]) -> Callable[[int], InputError]:
    def error(i: int) -> InputError:
        return InputError(
            f"prompt {prompts[i].prompt_id!r}: model {model.checkpoint.model_id} runs out of memory on {model.device} "
            "even with this prompt alone; lower generate.max_new_tokens or leave it out with prompts.leave_out"
        )

    return error


def _check_length(
    model: LoadedModel, prompts: Sequence[Prompt], prompt_ids: Sequence[Ids], max_new_tokens: int
) -> None:
    limit = model.context_length
    for prompt, ids in zip(prompts, prompt_ids, strict=True):
        if limit is not None and len(ids) + max_new_tokens > limit:
            raise InputError(
                f"prompt {prompt.prompt_id!r}: {len(ids)} tokens and generate.max_new_tokens "
                f"{max_new_tokens} exceed the {limit} positions of model {model.checkpoint.model_id}; "
                "lower it or leave the prompt out with prompts.leave_out"
            )
