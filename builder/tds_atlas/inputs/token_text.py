"""Answers of a token export: ids, with the text that a tokenizer writes for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tds_atlas.domain import Answer, InputError, Prompt, one_line, text_fault
from tds_atlas.inputs.recordings import Names, exported
from tds_atlas.inputs.settings import ResponseSettings

Decode = Callable[[Sequence[int]], str]  # ids as text, special tokens written out
_SET = "env_name"  # of a token export: where its prompt comes from
_LONGEST = 200  # characters of a tag


def decoder(folder: Callable[[], Path]) -> Decode:
    """Ids as text by the tokenizer in a folder, which is found and read on first use."""
    read: list[Any] = []

    def decode(ids: Sequence[int]) -> str:
        if not read:
            read.append(_tokenizer(folder() / "tokenizer.json"))
        return str(read[0].decode(list(ids), skip_special_tokens=False))

    return decode


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    if not path.is_file():
        raise InputError(f"{path}: no such file, and answers in a file of ids need it to be read")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise InputError(f"{path}: cannot be read: {one_line(error)}") from None


def exported_answer(
    place: str, row: Mapping[str, Any], settings: ResponseSettings, decode: Decode, names: Names
) -> Answer:
    """The answer of a row of a token export. Raises InputError: file, row, key."""
    path = settings.path or Path(settings.hub or "")
    where = f"{path}: {place}"
    if settings.turns == "all":
        raise InputError(f"{where}: a token export has no turns, only its last answer is measured: take out turns: all")
    said = exported(where, row)
    before, text = decode(said.before), decode(said.ids)
    for what in (before, text):
        if fault := text_fault(what):
            raise InputError(f"{where}: token_ids: their text {fault}")
    if not before:
        raise InputError(f"{where}: token_ids: those before the answer have no text; is it the same tokenizer?")
    tag, at = row.get(_SET), f"{path.name}: {place}"
    tasks = (tag,) if isinstance(tag, str) and 0 < len(tag.strip()) <= _LONGEST and not text_fault(tag) else ()
    prompt = Prompt(names.of(said), before, path.stem, tasks, place=at, input=before)
    return Answer(prompt, text, at, token_ids=said.ids, ids_before=said.before)
