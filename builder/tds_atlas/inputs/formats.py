"""What a row is by its content, and the answers in it, each with the turns before it.

Files as tools write them: AlignTDS, URIAL, just-eval, Alpaca and Dolly, AlpacaEval, OpenAI messages, ShareGPT,
UltraChat, preference pairs, MT-bench.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tds_atlas.domain import InputError, Prompt, Turn, Turns, printable
from tds_atlas.inputs.columns import CONVERSATIONS, USUAL, column, id_of, own_input, tags_of, with_matter
from tds_atlas.inputs.conversations import Exchange, exchanges_of, joined, opened, questions_of
from tds_atlas.inputs.settings import ColumnSettings, PromptColumns, PromptSettings, ResponseSettings
from tds_atlas.inputs.turns import in_turn, last_of_user, turns_of

_MT_BENCH = ("question_id",)  # its ids
_PAIR = ("chosen", "rejected")
_SHOWN = 80  # characters of an id in a message
PLAIN = "prompts"  # the project's own format


@dataclass(frozen=True)
class Reading:
    """A row as read: its format, its fields, which are still to be checked, and its exchanges."""

    kind: str
    fields: dict[str, Any]
    exchanges: tuple[Exchange, ...] = ()  # none: prompt and answer are texts, and the fields say all
    later: tuple[str, ...] = ()  # what the user asks next
    known: Prompt | None = None  # the report's prompt that the row names by its id alone


def read_prompt_row(where: str, row: Mapping[str, Any], settings: PromptSettings) -> Reading:
    """A row of a prompt file."""
    columns = settings.columns
    kind, turns, later = _asked(where, row, columns)
    rest = {key: value for key, value in row.items() if key != "input"}
    if turns is None:
        name = columns.prompt or next((key for key in USUAL["prompt"] if key in row), None)
        own = {"prompt": with_matter(name, row)} if name is not None and name in row else {}
        own |= {} if kind == PLAIN and columns.id is None else {"id": id_of(where, row, columns)}
        return Reading(kind, rest | own | own_input(where, row, columns))
    exchanges = questions_of(where, opened(where, row, turns), settings.turns)
    fields = {"id": id_of(where, row, columns, _MT_BENCH), "prompt": last_of_user(exchanges[0].turns)}
    return Reading(kind, fields | tags_of(row) | own_input(where, row, columns), exchanges, later)


def read_answer_row(
    where: str, row: Mapping[str, Any], settings: ResponseSettings, prompts: Mapping[str, Prompt]
) -> Reading:
    """A row of a file of answers. `prompts`: the report's, by id, for rows that do not repeat theirs."""
    columns = settings.columns
    fields = {"id": id_of(where, row, columns, _MT_BENCH)} | tags_of(row) | own_input(where, row, columns)
    known = None if _asks(row, columns) else prompts.get(str(fields["id"]))
    kind, wholes = _wholes(where, row, columns, known)
    if wholes is None:
        prompt = known.text if known else with_matter(column(where, "prompt", row, columns.prompt), row)
        fields |= {"prompt": prompt, "answer": row[column(where, "answer", row, columns.answer)]}
        return Reading(kind, fields, known=known)
    found = [e for name, whole in wholes for e in exchanges_of(where, name, opened(where, row, whole), settings.turns)]
    if kind == "preference pairs":  # which begin with the same turns
        found = [e for i, e in enumerate(found) if e.is_last or (e.turns, e.answer) not in _said(found[:i])]
    fields |= {"prompt": last_of_user(found[0].turns), "answer": [e.answer for e in found]}
    return Reading(kind, fields, tuple(found), known=known)


def _said(exchanges: Sequence[Exchange]) -> set[tuple[Turns, str]]:
    return {(e.turns, e.answer) for e in exchanges}


def _asks(row: Mapping[str, Any], columns: PromptColumns) -> bool:
    """Whether the row holds its prompt."""
    return any(
        key in row for key in ((columns.prompt,) if columns.prompt else (*USUAL["prompt"], *CONVERSATIONS, "data"))
    )


def _asked(where: str, row: Mapping[str, Any], columns: PromptColumns) -> tuple[str, Turns | None, tuple[str, ...]]:
    """The format of a row of a prompt file, its conversation, and what the user asks after it."""
    kind = _kind(row, columns)
    if kind == "MT-bench questions":
        questions = in_turn(where, row["turns"]) or ()
        return kind, questions[:1] or None, tuple(turn.text for turn in questions[1:])
    if kind == "UltraChat":
        return kind, in_turn(where, row["data"]), ()
    if columns.prompt is None and isinstance(row.get("prompt"), str) and "id" in row:  # whatever else is in the row
        return PLAIN, None, ()
    names = (columns.prompt,) if columns.prompt else ("prompt", *CONVERSATIONS, *_PAIR)
    return kind, next(filter(None, (turns_of(where, row.get(name)) for name in names)), None), ()


def _wholes(
    where: str, row: Mapping[str, Any], columns: ColumnSettings, known: Prompt | None
) -> tuple[str, list[tuple[str, Turns]] | None]:
    """The format of a row of answers, and its conversations, each with the answer's name; None for a row of texts."""
    kind = _kind(row, columns)
    if kind == "MT-bench answers":
        if known is None:
            name = printable(str(row["question_id"]))[:_SHOWN]
            what = f"MT-bench answers name their question by its id: {name!r} is not in prompts"
            raise InputError(f"{where}: {what}; give the questions as prompts: {{path: ...}}")
        return kind, [(_number(i), _interleaved(where, known, choice)) for i, choice in enumerate(row["choices"])]
    if kind == "UltraChat":
        return kind, [("", in_turn(where, row["data"]) or ())]
    pair = kind == "preference pairs"
    named = known is None and (not pair or _asks(row, columns))
    question = with_matter(column(where, "prompt", row, columns.prompt), row) if named else None
    names = _PAIR if pair else (column(where, "answer", row, columns.answer),)
    asked = known.whole if known else turns_of(where, question)
    said = [turns_of(where, row[name]) or row[name] for name in names]
    if not pair and not isinstance(said[0], tuple) and (asked is None or not isinstance(said[0], str | list)):
        return kind, None
    if not pair and known and not known.turns and not isinstance(said[0], tuple):
        return kind, None
    return kind, [
        (name if pair else _number(i), joined(where, question, asked, answer))
        for name, answers in zip(names, said, strict=True)
        for i, answer in enumerate((answers or [""]) if isinstance(answers, list) else [answers])
    ]


def _kind(row: Mapping[str, Any], columns: PromptColumns) -> str:
    """The format of a row, in words."""
    answer = getattr(columns, "answer", None)
    if columns.prompt or answer:
        return "columns as named"
    if isinstance(row.get("choices"), list) and "question_id" in row:
        return "MT-bench answers"
    if isinstance(row.get("turns"), list) and "prompt" not in row:
        return "MT-bench questions"
    if isinstance(row.get("data"), list) and "prompt" not in row:
        return "UltraChat"
    if all(row.get(key) for key in _PAIR) and not any(key in row for key in USUAL["answer"]):
        return "preference pairs"
    talk = next((row[key] for key in CONVERSATIONS if isinstance(row.get(key), list) and row[key]), None)
    if talk is not None:
        return "ShareGPT conversations" if isinstance(talk[0], dict) and "from" in talk[0] else "OpenAI messages"
    if "pure_input" in row:
        return "AlignTDS"
    if "instruction" in row:
        return "AlpacaEval outputs" if "generator" in row else "instructions"
    return PLAIN


def _number(i: int) -> str:
    """The name of a row's answer by its place: the first has none."""
    return str(i + 1) if i else ""


def _interleaved(where: str, known: Prompt, choice: Any) -> Turns:
    """MT-bench's questions, each with its answer."""
    answers = in_turn(where, choice.get("turns") if isinstance(choice, dict) else None) or ()
    said = [Turn("assistant", turn.text) for turn in answers]
    asked = [Turn("user", text) for text in (known.text, *known.later)]
    return tuple(turn for pair in zip(asked, said, strict=False) for turn in pair)
