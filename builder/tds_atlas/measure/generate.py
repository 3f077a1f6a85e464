"""Answers, written greedily or drawn by whatever engine runs the model. Returns token ids and text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from tds_atlas.domain import InputError, Prompt, Response, Sampling
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.engines.engine import Model
from tds_atlas.measure.memory import in_batches, without_overflow
from tds_atlas.measure.sampling import seed_of
from tds_atlas.measure.side import Ids, Side

Asked = tuple[Prompt, int]  # a prompt, and which answer to it, from 1


def generate(side: Side, prompts: Sequence[Prompt], max_new_tokens: int) -> list[Response]:
    """One batch: the side's greedy answer to each prompt, including its end token."""
    answers = _written(side, prompts, max_new_tokens, lambda ids, _: side.model.greedy(ids, max_new_tokens))
    return [response_of(side, prompt, ids) for prompt, ids in zip(prompts, answers, strict=True)]


def sample(side: Side, asked: Sequence[Asked], max_new_tokens: int, sampling: Sampling) -> list[Response]:
    """One batch: the side's answers as they are drawn, for each prompt the one of that number."""
    prompts, source = [prompt for prompt, _ in asked], side.condition.condition_id
    seeds = [seed_of(sampling.seed, source, prompt.prompt_id, number) for prompt, number in asked]

    def work(ids: Sequence[Ids], rows: Sequence[int]) -> list[Ids]:
        return side.model.sampled(ids, max_new_tokens, sampling, [seeds[i] for i in rows])

    answers = _written(side, prompts, max_new_tokens, work)
    return [response_of(side, prompt, ids, n) for (prompt, n), ids in zip(asked, answers, strict=True)]


def _written(
    side: Side,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    work: Callable[[Sequence[Ids], Sequence[int]], list[Ids]],
) -> list[Ids]:
    """work(ids of some prompts, their places) for all of them, as many at a time as fit into memory."""
    prompt_ids = [side.prompt_ids(prompt) for prompt in prompts]
    _check_length(side.model, prompts, prompt_ids, max_new_tokens)
    size = side.model.texts_at_once(max(map(len, prompt_ids)) + max_new_tokens, len(prompts))

    def part(rows: Sequence[int]) -> list[Ids]:
        return work([prompt_ids[i] for i in rows], rows)

    return in_batches(part, range(len(prompts)), size, _too_large(side.model, prompts))


def goes_on(side: Side, prompt: Prompt, ids: Ids, max_new_tokens: int) -> tuple[Ids, bool]:
    """The side's greedy tokens behind the first ids of an answer, no more than its model has positions for, and whether
    the answer has ended; nothing comes behind an end token. Raises InputError where there is no room for one."""
    model = side.model
    if ids and ids[-1] in model.end_ids:
        return (), True
    before = (*side.prompt_ids(prompt), *model.readable(ids))
    room = max_new_tokens if model.context_length is None else min(max_new_tokens, model.context_length - len(before))
    if room < 1:
        name, limit = model.checkpoint.model_id, model.context_length
        raise InputError(f"prompt and answer have {len(before):,} tokens, and model {name} has {limit:,} positions")
    (new,) = without_overflow(lambda rows: model.greedy(rows, room), [before], lambda _: side.out_of_memory(prompt))
    return new, new[-1] in model.end_ids


def response_of(side: Side, prompt: Prompt, ids: Ids, number: int = 1, ends: Collection[int] = ()) -> Response:
    """Ids as an answer to the prompt. ends: the tokens that end it, if others than the side's own do, too."""
    has_end = ids[-1] in (ends or side.model.end_ids)
    text, spans = decode_with_spans(side.frame.tokenizer, ids[:-1] if has_end else ids)
    if has_end:
        spans = (*spans, (len(text), len(text)))
    source, finish = side.condition.condition_id, "stop" if has_end else "length"
    response_id = f"{source}/{prompt.prompt_id}" + (f"#{number}" if number > 1 else "")
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
