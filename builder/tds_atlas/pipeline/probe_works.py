"""The work of each probe: a comparison, what of it is asked, and the shard for the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tds_atlas.domain import Answer, Comparison, Prompt
from tds_atlas.inputs.neutral_texts import NeutralText
from tds_atlas.pipeline.grade_rows import graded_as
from tds_atlas.pipeline.identity import of_answer, of_prompt
from tds_atlas.pipeline.work import WorkerPart, in_parts
from tds_atlas.record.shards import Shard

if TYPE_CHECKING:
    from tds_atlas.pipeline.plan import Plan, Scoring

Asked = TypeVar("Asked", Prompt, NeutralText, Answer)


def swaps(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[Prompt, ...], Shard]]:
    """Token swap: some of the prompts."""
    settings = plan.report.probes.swap
    if settings is not None:
        rest = settings.model_dump(exclude={"comparisons", "prompts", *settings.unused})
        prompts = _evenly(plan.prompt_set, settings.prompts)
        yield from part.of(_by_comparison(plan, "swap", settings.comparisons, prompts, rest))


def graded_swaps(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[tuple[Prompt, ...], Shard], Shard]]:
    """Grading the texts of token swap, shard by shard: a part's texts are its own."""
    for comparison, prompts, shard in swaps(plan, part) if plan.graders else ():
        yield comparison, (prompts, shard), plan.shard("swap_grade", shard.key, graded_as(plan, prompts))


def prefills(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[Prompt, ...], Shard]]:
    """Prefilling: some of the harmful prompts."""
    settings = plan.report.probes.prefill
    if settings is not None:
        harmful = [prompt for prompt in plan.prompt_set if prompt.harmful]
        rest = settings.model_dump(exclude={"comparisons"})
        yield from part.of(_by_comparison(plan, "prefill", settings.comparisons, harmful, rest))


def fingerprints(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[NeutralText, ...], Shard]]:
    """The fingerprint: some of the neutral texts."""
    settings = plan.report.probes.fingerprint
    if settings is not None:
        rest = (settings.tokens, settings.top)
        yield from part.of(_by_comparison(plan, "fingerprint", settings.comparisons, plan.texts, rest))


def recoveries(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[Answer, ...], Shard]]:
    """Going on from harmful answers: some of them."""
    settings = plan.report.probes.recovery
    if settings is not None:
        rest = settings.model_dump(include={"depths", "opener", "new_tokens"})
        yield from part.of(_by_comparison(plan, "recovery", settings.comparisons, plan.harmful, rest))


def harmful_answers(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[Answer, ...], Shard]]:
    """Divergence along harmful answers: some of them."""
    settings = plan.report.probes.recovery
    if settings is not None:
        named = settings.comparisons
        yield from part.of(_by_comparison(plan, "harmful_answer", named, plan.harmful, settings.tokens))


def amplifications(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, tuple[Prompt, ...], Shard]]:
    """Amplified decoding: some of the prompts."""
    settings = plan.report.probes.amplified
    if settings is not None:
        greedy = {"temperature", "samples", "seed"} if settings.temperature is None else set[str]()
        rest = settings.model_dump(exclude={"comparisons", "prompts", *greedy})
        prompts = _evenly(plan.prompt_set, settings.prompts)
        yield from part.of(_by_comparison(plan, "amplified", settings.comparisons, prompts, rest))


def amplified_answers(plan: Plan) -> tuple[int, int]:
    """How many answers amplified decoding writes for a comparison, and the tokens of each, at most."""
    settings = plan.report.probes.amplified
    if settings is None:
        return 0, 0
    prompts = min(settings.prompts, len(plan.prompt_set))
    return prompts * settings.samples * len(settings.alphas), settings.max_new_tokens


def continuations(plan: Plan, part: WorkerPart) -> Iterator[tuple[Comparison, Scoring, Shard]]:
    """Continuing from shifted positions, known once the responses are scored: it reads their ranks."""
    settings = plan.report.probes.continuation
    if settings is not None:
        for comparison, source, answers in part.of(_continued(plan)):
            work = plan.scoring(source, answers)
            parts = (comparison.comparison_id, work.shard.key, settings.model_dump())
            yield comparison, work, plan.shard("continuation", *parts)


WORKS: dict[str, Callable[[Plan, WorkerPart], Iterator[tuple[Comparison, Any, Shard]]]] = {
    "swap": swaps,
    "swap_grade": graded_swaps,
    "prefill": prefills,
    "continuation": continuations,
    "fingerprint": fingerprints,
    "recovery": recoveries,
    "harmful_answer": harmful_answers,
    "amplified": amplifications,
}  # by the name of its table


def _evenly(prompts: Sequence[Prompt], most: int) -> list[Prompt]:
    """So many of the prompts at most, evenly spaced."""
    count, most = len(prompts), min(len(prompts), most)
    return [prompts[i * count // most] for i in range(most)]


def _by_comparison(
    plan: Plan, kind: str, comparisons: Sequence[str], rows: Sequence[Asked], settings: Any
) -> Iterator[tuple[Comparison, tuple[Asked, ...], Shard]]:
    for comparison in (c for c in plan.report.all_comparisons if c.comparison_id in comparisons):
        sides = [(c.condition_id, plan.identity(c)) for c in (comparison.base, comparison.aligned)]
        for part in in_parts(rows, plan.report.shard_responses):
            yield comparison, part, plan.shard(kind, comparison.comparison_id, sides, list(map(_of, part)), settings)


def _of(row: Prompt | NeutralText | Answer) -> tuple[Any, ...]:
    """What of a row names its shard."""
    if isinstance(row, NeutralText):
        return row.text_id, row.text
    return of_prompt(row) if isinstance(row, Prompt) else of_answer(row)


def _continued(plan: Plan) -> Iterator[tuple[Comparison, str, Shard]]:
    """Each comparison of two models with a shard of the responses that it is about, and their source.

    Not of two tokenizers: there a shifted position has no rank.
    """
    retold = plan.retold
    for source, answers in plan.response_shards():
        for comparison in plan.report.comparisons_of(source):
            if comparison.kind == "tuning" and comparison.comparison_id not in retold:
                yield comparison, source, answers
