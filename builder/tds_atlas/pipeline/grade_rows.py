"""What graders say of the texts of a token swap, as rows of the table `swap_grade`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Answer, InputError, Prompt, printable
from tds_atlas.inputs.graders import Grader, GraderSettings, read_grader
from tds_atlas.inputs.report_file import Report
from tds_atlas.pipeline.grading import grades
from tds_atlas.record.judgements import with_writer
from tds_atlas.record.shards import Shard
from tds_atlas.terminal import say

if TYPE_CHECKING:
    from tds_atlas.pipeline.plan import Plan

_SAID = 3  # errors of a grader that are said
_KEY = ("comparison_id", "prompt_id", "writer", "method", "share", "threshold", "sample")


def planned_graders(
    path: Path, report: Report, prompts: Sequence[Prompt], answers: Mapping[str, Sequence[Answer]]
) -> tuple[Grader, ...]:
    """The graders of a report. Raises InputError where one cannot be found, or has nothing to compare with."""
    settings = report.probes.swap.graders if report.probes.swap else {}
    return tuple(
        read_grader(path, name, one, prompts, answers.get(one.responses or "", ()), _file(path, report, name, one))
        for name, one in settings.items()
    )


def _file(path: Path, report: Report, name: str, settings: GraderSettings) -> Path:
    """The file that has a grader's column."""
    if settings.column is None:
        return path
    used = report.file_sources()
    source = used.get(settings.responses) if settings.responses else report.prompts
    if source is None or source.path is None:
        key, known = ("responses", list(used)) if settings.responses else ("column", [])
        what = (
            f"{settings.responses!r} is no file of answers that a comparison names"
            if known or settings.responses
            else ""
        )
        problem = what or "the report has no file of prompts; name one of its files in responses"
        raise InputError(f"{path}: probes.swap.graders.{name}.{key}: {problem}")
    return source.path


def graded_as(plan: Plan, prompts: Sequence[Prompt]) -> list[Any]:
    """All that the grades of these prompts' texts depend on, but for the texts."""
    told = [_told(prompt, ()) for prompt in prompts]
    return [told, [(g.name, g.identity, [g.references.get(p.prompt_id, ()) for p in prompts]) for g in plan.graders]]


def grade_rows(plan: Plan, prompts: Sequence[Prompt], swaps: Shard) -> list[dict[str, Any]]:
    """A row for each text and grader; texts of a prompt that are the same are graded once."""
    rows = [with_writer(row) for row in swaps.read("swap").to_pylist()]
    by_id = {prompt.prompt_id: prompt for prompt in prompts}
    texts = list(dict.fromkeys((row["prompt_id"], row["text"]) for row in rows))
    made = []
    for grader in plan.graders:
        asked = (
            _told(by_id[name], grader.references.get(name, ())) | {"text": text, "prompt_id": name}
            for name, text in texts
        )
        said = dict(zip(texts, grades(grader, asked), strict=True))
        _say_errors(grader, said)
        for row in rows:
            found = said[row["prompt_id"], row["text"]]
            more = {key: found.get(key) for key in ("value", "is_yes_or_no", "error")}
            made.append({key: row.get(key) for key in _KEY} | {"grader": grader.name} | more)
    return made


def _told(prompt: Prompt, references: Sequence[str]) -> dict[str, Any]:
    """What a grader is told of a prompt."""
    return {
        "prompt": prompt.text,
        "turns": [{"role": turn.role, "text": turn.text} for turn in prompt.whole],
        "set": prompt.set,
        "tasks": list(prompt.tasks),
        "topics": list(prompt.topics),
        "harmful": prompt.harmful,
        "truths": list(prompt.truths),
        "references": list(references),
    }


def _say_errors(grader: Grader, said: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    for line in _lines(grader, [(name, str(x["error"])) for (name, _), x in said.items() if x.get("error")]):
        say(printable(line))


def _lines(grader: Grader, errors: Sequence[tuple[str, str]]) -> Iterator[str]:
    for prompt_id, error in errors[:_SAID]:
        yield f"grader {grader.name}: prompt {prompt_id}: {error}; the text has no grade"
    if len(errors) > _SAID:
        yield f"grader {grader.name}: and {len(errors) - _SAID:,} more texts; see the column error of swap_grade"
