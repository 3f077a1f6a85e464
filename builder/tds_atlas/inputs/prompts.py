"""Prompts and ready answers from files. Knows neither tokenizer nor model: text in, text out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.inputs.rows import read_dataset, read_rows
from tds_atlas.inputs.settings import PromptSettings, ResponseSettings

# How tools name the columns of a file of answers: AlignTDS and URIAL, just-eval and AlpacaEval, plain files.
PROMPT_COLUMNS = ("prompt", "pure_input", "instruction", "question")
ANSWER_COLUMNS = ("answer", "output", "response", "completion")
ID_COLUMNS = ("id", "prompt_id")
# Special tokens that files of texts carry along; they stand for the begin and the end of an answer.
BEGIN_TEXTS = ("<s>", "<|begin_of_text|>", "<bos>")
END_TEXTS = ("</s>", "<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<eos>")


def _whole(text: str) -> str:
    """JSON can write half a character (a lone surrogate), which no tokenizer takes. Pydantic words the complaint."""
    text.encode("utf-8")
    return text


Text = Annotated[str, AfterValidator(_whole)]

_CATEGORIES = {"safety": True, "regular": False}


class PromptRow(BaseModel):
    """One row of a prompt file; other keys are left alone."""

    model_config = ConfigDict(strict=True)

    id: str | int
    prompt: str = Field(min_length=1)
    tasks: list[str] = []
    topics: list[str] = []
    harmful: bool | None = None
    truths: list[str] = []
    category: Any = None  # of just-eval: `safety` are its harmful prompts, `regular` the others

    @property
    def is_harmful(self) -> bool | None:
        return self.harmful if self.harmful is not None else _CATEGORIES.get(str(self.category))


class AnswerRow(BaseModel):
    """One row of a file of answers, its columns already under these names; other keys are left alone."""

    model_config = ConfigDict(strict=True)

    id: str | int
    prompt: str = Field(min_length=1)
    answer: Text | list[Text]


Row = TypeVar("Row", bound=BaseModel)


def read_prompts(settings: PromptSettings) -> tuple[Prompt, ...]:
    """The prompts of a JSON Lines file (or a JSON array). Raises InputError naming file and row."""
    path, prompts = settings.path, []
    for place, row in read_rows(path):
        row = _checked(path, place, PromptRow, row)
        prompts.append(
            Prompt(
                str(row.id),
                row.prompt,
                path.stem,
                tuple(row.tasks),
                tuple(row.topics),
                row.is_harmful,
                tuple(row.truths),
            )
        )
    _unique(path, [p.prompt_id for p in prompts])
    return tuple(_chosen(path, prompts, [p.prompt_id for p in prompts], settings.leave_out, settings.limit))


def read_answers(settings: ResponseSettings, known: tuple[Prompt, ...] = ()) -> tuple[Answer, ...]:
    """The answers of a file: JSON (AlignTDS, URIAL, just-eval), JSON Lines, CSV, TSV, Parquet, or a dataset on the hub.

    A row whose prompt stands word for word among the known prompts takes over its id and tags. A special token that
    opens or closes the text (`<s>`, `</s>` and their kin) is taken off: a closing one means that the model ended by
    itself. Where some rows of a file carry one, a row without it was cut; where none does, nothing is known.
    """
    path = settings.path or Path(settings.hub or "")
    by_text: dict[str, list[Prompt]] = {}
    for prompt in known:
        by_text.setdefault(prompt.text, []).append(prompt)
    found, ids = [], []
    for place, raw in read_rows(path) if settings.path else read_dataset(settings):
        row = _checked(path, place, AnswerRow, _renamed(path, place, raw, settings))
        same = by_text.get(row.prompt)  # prompts of the same words are taken in turn
        prompt = same.pop(0) if same else Prompt(str(row.id), row.prompt, path.stem)
        text, ended = _without_special(row.answer if isinstance(row.answer, str) else "".join(row.answer[:1]))
        ids.append(prompt.prompt_id)
        if not text and not ended and prompt.prompt_id not in settings.leave_out:
            name = json.dumps(prompt.prompt_id)
            raise InputError(f"{path}: {place}: the answer is empty; pass over it with leave_out: [{name}]")
        found.append((prompt, text, ended))
    _unique(path, ids)
    otherwise: Any = "length" if any(ended for _, _, ended in found) else "unknown"
    answers = [Answer(prompt, text, "stop" if ended else otherwise) for prompt, text, ended in found]
    return tuple(_chosen(path, answers, ids, settings.leave_out, settings.limit))


def _without_special(text: str) -> tuple[str, bool]:
    """The text without an opening and a closing special token, each once; whether there was a closing one."""
    begin = next((mark for mark in BEGIN_TEXTS if text.startswith(mark)), "")
    end = next((mark for mark in END_TEXTS if text.endswith(mark)), "")
    return text.removeprefix(begin).removesuffix(end), bool(end)


def _renamed(path: Path, place: str, row: Any, settings: ResponseSettings) -> Any:
    """The row with its id, prompt and answer under those names; without an id, its place is its id."""
    if not isinstance(row, dict):
        return row
    columns = settings.columns
    found: dict[str, Any] = {"id": place.split()[-1]}
    for name, given, usual in (
        ("id", columns.id, ID_COLUMNS),
        ("prompt", columns.prompt, PROMPT_COLUMNS),
        ("answer", columns.answer, ANSWER_COLUMNS),
    ):
        key = given or next((key for key in usual if row.get(key) is not None), None)
        if key is None and name != "id":  # one that is there, but null, is refused by its name
            key = next((key for key in usual if key in row), None)
        if key is not None and key in row:
            found[name] = row[key]
        elif name != "id" or given:
            have = ", ".join(map(str, row)) or "none"
            wanted = given or " or ".join(usual)
            raise InputError(
                f"{path}: {place}: no column {wanted} for the {name} (columns: {have}); "
                f"name it with columns: {{{name}: ...}}"
            )
    return found


def _chosen(path: Path, items: list[Any], ids: list[str], leave_out: tuple[str, ...], limit: int | None) -> list[Any]:
    strange = [name for name in leave_out if name not in ids]
    if strange:
        raise InputError(f"{path}: leave_out names {strange[0]!r}, but no row has this id")
    kept = [item for item, name in zip(items, ids, strict=True) if name not in leave_out][:limit]
    if not kept:
        raise InputError(f"{path}: leave_out leaves no row")
    return kept


def _checked(path: Path, place: str, kind: type[Row], row: Any) -> Row:
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        wants = ", ".join(kind.model_fields)
        raise InputError(f"{path}: {place}: {key + ': ' if key else ''}{first['msg']}; a row has {wants}") from None


def _unique(path: Path, ids: list[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise InputError(f"{path}: two rows have the id {name!r}; ids must differ")
        seen.add(name)
