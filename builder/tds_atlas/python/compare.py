"""Two models compared from Python: a report of one comparison, measured in a folder that goes when its result does."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tds_atlas.domain import InputError
from tds_atlas.parts import temporary_folder
from tds_atlas.python.given import ROWS, PromptGiven, context_block, has_chat_template, model_block, write_rows
from tds_atlas.python.result import Result
from tds_atlas.terminal import listening

if TYPE_CHECKING:
    from tds_atlas.pipeline.plan import Plan
    from tds_atlas.python.given import ContextGiven, ModelGiven


def compare(
    base: ModelGiven,
    tuned: ModelGiven,
    prompts: Sequence[PromptGiven] | str | Path,
    *,
    answers: Sequence[str] | None = None,
    base_context: ContextGiven = "plain",
    tuned_context: ContextGiven | None = None,
    max_new_tokens: int = 256,
    roles: str | Path | None = None,
    device: str = "auto",
    progress: bool = True,
    title: str | None = None,
) -> Result:
    """What tuning changed: the tuned model answers each prompt, and both models score every token of its answers.

    It is a report of one comparison, measured as `tds store` measures it, in a temporary folder: `.save(path)` keeps
    its database. Models in memory are copied there, too, without being changed.

    base, tuned: a folder, a hub id (`org/name`, `org/name@revision`), a pair (model, tokenizer) in memory, or the
    model's block of a report file as a mapping. A folder with an adapter, or a model of PEFT, adapts the base.
    prompts: texts, rows as in a file of prompts (`{"id": ..., "prompt": ..., "truths": [...]}`, or `messages`), or the
    path of such a file. answers: one text to each prompt, instead of what the tuned model would write.
    base_context, tuned_context: how each is asked: `plain` (the prompt under a heading), `chat` (its own template), or
    a context of a report file as a mapping; None: chat, or plain where there is no template. max_new_tokens: at most
    so many to an answer. roles: a roles file; None: phrases of English assistants. device: auto, cpu, cuda, cuda:N,
    mps or xpu. progress: bars on a terminal, a line for each step in a notebook. title: of the report.

    Returns a Result. Raises InputError: one line that says what is wrong, and what would be right.

    >>> import tds_atlas as tds
    >>> result = tds.compare("data/pocket/base", "data/pocket/sft", ["Who are you?"], max_new_tokens=8, progress=False)
    >>> result.title, result.sql("SELECT count(*) AS n FROM tds WHERE shift = 'shifted'").dicts()
    ('base → sft', [{'n': 2}])
    >>> result.examples[0]
    <Answer: 8 tokens, 25.0% shifted, mean KL 1.569 nats>
    """
    keep = temporary_folder()
    folder = Path(keep.name)
    settings = _settings(base, tuned, write_rows(prompts, answers, folder), answers is not None, base_context, folder)
    settings |= {"device": device, "generate": {"max_new_tokens": max_new_tokens}} | ({"title": title} if title else {})
    settings |= {"roles": {"path": str(Path(roles).expanduser().resolve())}} if roles else {}
    try:
        with nullcontext() if progress else listening([]):
            database = _measured(settings, tuned_context, folder)
    except InputError as error:
        raise InputError(_without_folder(str(error), folder)) from None
    for used in ("shards", "base", "tuned"):
        shutil.rmtree(folder / used, ignore_errors=True)
    return Result(database, keep)


def _settings(
    base: ModelGiven, tuned: ModelGiven, rows: Path, answered: bool, base_context: ContextGiven, folder: Path
) -> dict[str, Any]:
    """The report file, but for what has a default."""
    comparison: dict[str, Any] = {"base": _in("base"), "aligned": _in("tuned")}
    places = {"shards": "shards", "database": "tds.duckdb", "site": "site"}
    return {
        "name": "compared",
        "title": f"{_name(base, 'base')} → {_name(tuned, 'tuned')}",
        "models": {"base": model_block("base", base, folder), "tuned": model_block("tuned", tuned, folder)},
        "contexts": {"base": context_block("base_context", base_context)},
        "comparisons": [comparison | ({"responses": "given"} if answered else {})],
        "output": {key: str(folder / name) for key, name in places.items()},
    } | ({"responses": {"given": {"path": str(rows)}}} if answered else {"prompts": {"path": str(rows)}})


def _in(name: str) -> dict[str, str]:
    return {"model": name, "context": name}


def _name(given: Any, otherwise: str) -> str:
    """What a title calls a model."""
    return str(given).rstrip("/").rsplit("/")[-1] if isinstance(given, str | Path) else otherwise


def _without_folder(said: str, folder: Path) -> str:
    """An error in the caller's words: the report file and the rows are ours."""
    return (
        said.replace(f"{folder / 'report.yml'}: ", "").replace(f"{folder / ROWS}", "prompts").replace(f"{folder}/", "")
    )


def _measured(settings: dict[str, Any], tuned_context: ContextGiven | None, folder: Path) -> Path:
    """The report's database."""
    from tds_atlas.pipeline.steps import measure_apart

    plan = _plan(settings, tuned_context or "chat", folder)
    if tuned_context is None and not has_chat_template(plan.checkpoints["tuned"].tokenizer_folder):
        plan = _plan(settings, "plain", folder)
    measure_apart(plan)
    return plan.report.output.database


def _plan(settings: dict[str, Any], tuned_context: ContextGiven, folder: Path) -> Plan:
    from tds_atlas.pipeline.plan import read_plan

    contexts = settings["contexts"] | {"tuned": context_block("tuned_context", tuned_context)}
    path = folder / "report.yml"
    path.write_text(yaml.safe_dump(settings | {"contexts": contexts}, allow_unicode=True), encoding="utf-8")
    return read_plan(path)
