"""What answers from files ask of a report: a context that suits them, and no A/A check without ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tds_atlas.domain import Answer, InputError
from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.report_file import Report

if TYPE_CHECKING:
    from tds_atlas.pipeline.plan import Plan


def tokenizer_folder(report: Report, source: str) -> Path:
    """Where the tokenizer is that reads the answers of a source."""
    return locate(report.reader_of(source).model_id, report.models).tokenizer_folder


def check_verbatim(path: Path, report: Report, source: str, answers: Sequence[Answer]) -> None:
    """Raises InputError for a context that would write anything around what a file of ids says was read."""
    for condition in report.conditions_of(source) if any(answer.token_ids for answer in answers) else ():
        kind = report.contexts[condition.context_id].kind
        if kind != "verbatim":
            problem = f"responses.{source} holds the ids of all that was read before an answer"
            raise InputError(f"{path}: contexts.{condition.context_id}.kind: {kind}; {problem}: give verbatim")


def check_harmful(path: Path, report: Report, comparisons: Sequence[str]) -> None:
    """Raises InputError for a context that reads what harmful answers do not have: the input of their row."""
    for c in report.comparisons:
        for side in (c.base, c.aligned) if c.comparison_id in comparisons else ():
            if report.contexts[side.context].kind == "verbatim":
                problem = f"{c.comparison_id} reads contexts.{side.context}, which is verbatim"
                raise InputError(f"{path}: probes.recovery.comparisons: {problem}; harmful answers have no input")


def check_noise(plan: Plan) -> None:
    """Raises InputError for an A/A check of which there would be no rank to compare."""
    for c in plan.report.all_comparisons:
        if c.kind == "noise" and c.comparison_id in plan.alone:
            problem = f"{c.label}: a recording without lists has no ranks to check"
            raise InputError(f"{plan.path}: noise: {problem}; compare it as a model of its own under comparisons")
