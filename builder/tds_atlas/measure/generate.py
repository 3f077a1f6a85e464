"""Answers, generated greedily by whatever engine runs the model. Returns token ids and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tds_atlas.domain import InputError, Prompt, Response
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.engines.engine import Model
from tds_atlas.measure.memory import in_batches
from tds_atlas.measure.side import Ids, Side


def generate(side: Side, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Response]:
    """One batch: the side's answer to each prompt, including its end token."""
    prompt_ids = [side.prompt_ids(prompt) for prompt in prompts]
    _check_length(side.model, prompts, prompt_ids, max_new_tokens)
    model = side.model
    size = model.texts_at_once(max(map(len, prompt_ids)) + max_new_tokens, len(prompts))
    answers = in_batches(lambda part: model.greedy(part, max_new_tokens), prompt_ids, size, _too_large(model, prompts))
    return [_response(side, prompt, ids) for prompt, ids in zip(prompts, answers, strict=True)]


def _response(side: Side, prompt: Prompt, ids: Ids) -> Response:
    has_end = ids[-1] in side.model.end_ids
    text, spans = decode_with_spans(side.frame.tokenizer, ids[:-1] if has_end else ids)
    if has_end:
        spans = (*spans, (len(text), len(text)))
    source, finish = side.condition.condition_id, "stop" if has_end else "length"
    response_id = f"{source}/{prompt.prompt_id}"
    return Response(response_id, prompt.prompt_id, source, source, text, ids, spans, has_end, finish)  # type: ignore[arg-type]


def _too_large(model: Model, prompts: Sequence[Prompt]) -> Callable[[int], InputError]:
    def error(i: int) -> InputError:
        return InputError(
            f"prompt {prompts[i].prompt_id!r}: model {model.checkpoint.model_id} runs out of memory on {model.device} "
            "even with this prompt alone; lower generate.max_new_tokens or leave it out with prompts.leave_out"
        )

    return error


def _check_length(model: Model, prompts: Sequence[Prompt], prompt_ids: Sequence[Ids], max_new_tokens: int) -> None:
    limit = model.context_length
    for prompt, ids in zip(prompts, prompt_ids, strict=True):
        if limit is not None and len(ids) + max_new_tokens > limit:
            raise InputError(
                f"prompt {prompt.prompt_id!r}: {len(ids)} tokens and generate.max_new_tokens "
                f"{max_new_tokens} exceed the {limit} positions of model {model.checkpoint.model_id}; "
                "lower it or leave the prompt out with prompts.leave_out"
            )
