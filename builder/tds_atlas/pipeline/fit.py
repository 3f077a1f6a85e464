"""Rows that are too long for a model: passed over before anything is measured, where the report lets them be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from tds_atlas.domain import Answer, Condition, InputError, Prompt
from tds_atlas.inputs.checkpoints import context_length
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import answer_reader, side_of
from tds_atlas.pipeline.tokenizers import Tokenizers

if TYPE_CHECKING:
    from tds_atlas.measure.contexts import Frame
    from tds_atlas.measure.engines.models import Models

_PROMPTS = ""  # the prompt set among the names of response files
Row = TypeVar("Row", Prompt, Answer)


@dataclass(frozen=True)
class Window:
    """A condition, and how many positions its model can read; None if its config.json does not say."""

    condition: Condition
    frame: Frame
    limit: int | None

    @staticmethod
    def of(plan: Plan, models: Models, condition: Condition) -> Window:
        limit = context_length(plan.checkpoints[condition.model_id])
        return Window(condition, side_of(plan, models, condition).frame, limit)

    def length(self, prompt: Prompt) -> int:
        return len(self.frame.prompt_ids(self.frame.reads(prompt)))

    def answer_length(self, prompt: Prompt, text: str) -> int:
        return len(self.frame.answer_ids(self.frame.reads(prompt), text)[0])

    def fault(self, length: int, room: int) -> str | None:
        """What to say of a prompt of so many tokens if so many of an answer do not fit behind it."""
        if self.limit is None or length + room <= self.limit:
            return None
        name, model = self.condition.condition_id, self.condition.model_id
        return f"{length} tokens in {name} and {room} for the answer exceed the {self.limit} positions of model {model}"


def fitting(plan: Plan, models: Callable[[], Models], keep: bool = True) -> Plan:
    """The plan without the rows of lenient files that a model cannot read whole.

    What was found is kept as a shard, so that a run with nothing to measure needs no tokenizer.
    """
    report, lines = plan.report, list(plan.passed_over)
    lenient = [source for source, settings in report.file_sources().items() if settings.on_error == "skip"]
    if report.prompts and report.prompts.on_error == "skip" and plan.prompts_are_read:
        lenient.insert(0, _PROMPTS)
    if plan.fits or not lenient:
        return plan
    shard = plan.lengths(lenient)
    found = shard.meta() if shard.exists() else _faults(plan, models(), lenient)
    if keep and not shard.exists():
        shard.write({}, found)
    prompts, answers = plan.prompt_set, dict(plan.answers)
    for source in lenient:
        if source == _PROMPTS:
            prompts = _without(prompts, found[source], lines)
        else:
            answers[source] = _without(answers[source], found[source], lines)
    return replace(plan, prompt_set=prompts, answers=answers, passed_over=tuple(lines), fits=True)


def _without(rows: tuple[Row, ...], faults: Mapping[str, str], passed_over: list[str]) -> tuple[Row, ...]:
    """The rows without fault; a line for each of the others. Raises InputError if no row is left."""
    lines = [f"{row.place}: {faults[_id(row)]}" for row in rows if _id(row) in faults]
    if len(lines) == len(rows):
        raise InputError(f"no row can be used; the first: {lines[0]}")
    passed_over += lines
    return tuple(row for row in rows if _id(row) not in faults)


def _id(row: Prompt | Answer) -> str:
    return row.prompt_id if isinstance(row, Prompt) else row.answer_id


def _faults(plan: Plan, models: Models, lenient: Sequence[str]) -> dict[str, dict[str, str]]:
    """What is wrong with the rows of these files, by prompt id: too long for a model, or no token in it."""
    windows = {c: Window.of(plan, models, c) for c in plan.report.conditions_used()}
    return {
        source: _of_prompts(plan, windows) if source == _PROMPTS else _of_answers(plan, models, windows, source)
        for source in lenient
    }


def _of_prompts(plan: Plan, windows: Mapping[Condition, Window]) -> dict[str, str]:
    """Whoever reads a generated answer must have room for the longest."""
    report, most = plan.report, plan.report.generate.max_new_tokens
    readers = {c for source in report.generated_sources() for c in report.conditions_of(source)}

    def fault(prompt: Prompt) -> str | None:
        rooms = ((window, most if c in readers else 1) for c, window in windows.items())
        return _first(window.fault(window.length(prompt), room) for window, room in rooms)

    return _collected(plan.prompt_set, fault)


def _of_answers(plan: Plan, models: Models, windows: Mapping[Condition, Window], source: str) -> dict[str, str]:
    """Every model has room for the prompt; those that score the answer for all but its last token, too.

    A model with another tokenizer than the answer's reads it in tokens of its own.
    """
    reader, readers = answer_reader(plan, models, source), plan.report.conditions_of(source)
    apart = Tokenizers.of(plan, models).apart(source)

    def fault(answer: Answer) -> str | None:
        response = reader.read(source, answer)
        lengths = dict.fromkeys(readers, len(response.token_ids))
        lengths |= {c: windows[c].answer_length(answer.prompt, response.text) for c in apart}
        rooms = ((window, max(lengths.get(c, 1) - 1, 1)) for c, window in windows.items())
        return _first(window.fault(window.length(answer.prompt), room) for window, room in rooms)

    return _collected(plan.answers[source], fault)


def _collected(rows: Sequence[Row], fault: Callable[[Row], str | None]) -> dict[str, str]:
    faults = {}
    for row in rows:
        try:
            found = fault(row)
        except InputError as error:  # a prompt without a token, an answer that is no more than its end
            found = str(error)
        if found:
            faults[_id(row)] = found
    return faults


def _first(faults: Iterable[str | None]) -> str | None:
    return next(filter(None, faults), None)
