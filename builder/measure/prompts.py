"""Prompts and ready answers from files. Knows neither tokenizer nor model: text in, text out."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from builder.domain import Answer, InputError, Prompt, first_line
from builder.settings import PromptSettings, ResponseSettings

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


class PromptRow(BaseModel):
    """One row of a prompt file; other keys are left alone."""

    model_config = ConfigDict(strict=True)

    id: str | int
    prompt: str = Field(min_length=1)
    tasks: list[str] = []
    topics: list[str] = []
    harmful: bool | None = None
    truths: list[str] = []


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
    for place, row in _rows(path):
        row = _checked(path, place, PromptRow, row)
        prompts.append(
            Prompt(
                str(row.id), row.prompt, path.stem, tuple(row.tasks), tuple(row.topics), row.harmful, tuple(row.truths)
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
    for place, raw in _rows(path) if settings.path else _dataset(settings):
        row = _checked(path, place, AnswerRow, _renamed(path, place, raw, settings))
        same = by_text.get(row.prompt)  # prompts of the same words are taken in turn
        prompt = same.pop(0) if same else Prompt(str(row.id), row.prompt, path.stem)
        text, ended = _without_special(row.answer if isinstance(row.answer, str) else "".join(row.answer[:1]))
        ids.append(prompt.prompt_id)
        if not text and not ended and prompt.prompt_id not in settings.leave_out:
            quoted = json.dumps(prompt.prompt_id)  # an id is text: leave_out takes no YAML number
            raise InputError(f"{path}: {place}: the answer is empty; pass over it with leave_out: [{quoted}]")
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


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each row with the words for its place; the format goes by the ending, JSON's two kinds by the first character."""
    if not path.is_file():
        raise InputError(f"{path}: cannot be read: {'a folder' if path.is_dir() else 'No such file or directory'}")
    kind = path.suffix.lower()
    if kind == ".parquet":
        rows = _parquet(path)
    elif kind in (".csv", ".tsv"):
        rows = _csv(path, "\t" if kind == ".tsv" else ",")
    else:
        text = _text(path)
        rows = _array(path, text) if text.lstrip().startswith("[") else _lines(path, text)
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise InputError(f"{path}: holds no rows")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from None


def _array(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    return ((f"row {i}", row) for i, row in enumerate(_json(path, text), 1))


def _lines(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", _json(path, line, number)


def _json(path: Path, text: str, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits, or thousands of brackets
        place = line or getattr(error, "lineno", 1)
        what = getattr(error, "msg", "numbers too long or brackets too deep")
        wanted = "a row a line, or an array of rows, is wanted"
        raise InputError(f"{path}: line {place}: not valid JSON: {what}; {wanted}") from None


def _csv(path: Path, delimiter: str) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            names = reader.fieldnames or ()
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise InputError(f"{path}: line 1: two columns are called {twice!r}; their names must differ")
            for number, row in enumerate(reader, 1):
                if None in row or None in row.values():
                    raise InputError(f"{path}: row {number}: not {len(names)} fields, as the first line has")
                yield f"row {number}", row
        except UnicodeDecodeError:
            raise InputError(f"{path}: cannot be read: not UTF-8 text") from None
        except csv.Error as error:
            raise InputError(f"{path}: line {reader.line_num}: not valid CSV: {error}") from None


def _parquet(path: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: not a Parquet file that can be read: {first_line(error)}") from None
    return ((f"row {i}", row) for i, row in enumerate(rows, 1))


def _dataset(settings: ResponseSettings) -> Iterator[tuple[str, Any]]:
    try:
        from datasets import load_dataset
    except ImportError:
        raise InputError("responses: hub needs the extra datasets: pip install 'tds-atlas[datasets]'") from None
    try:
        rows = load_dataset(settings.hub, revision=settings.revision, split=settings.split)
    except Exception as error:  # the library raises many kinds: no such dataset, no network, no such split
        raise InputError(f"responses: {settings.hub} at {settings.revision}: {first_line(error)}") from None
    return ((f"row {i}", dict(row)) for i, row in enumerate(rows, 1))


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
