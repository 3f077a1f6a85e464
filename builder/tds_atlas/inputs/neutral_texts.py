"""Neutral texts: they have nothing to do with what the models of a report were tuned on. From a file of rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tds_atlas.domain import InputError
from tds_atlas.inputs.fields import as_id, validated
from tds_atlas.inputs.rows import read_rows


@dataclass(frozen=True)
class NeutralText:
    """One of them."""

    text_id: str
    text: str


class TextRow(BaseModel):
    """One row of such a file; other keys are ignored."""

    model_config = ConfigDict(strict=True)

    text: str = Field(min_length=1)
    id: Annotated[str | int, AfterValidator(as_id)] | None = None  # else the row's number


def read_neutral_texts(path: Path, limit: int | None) -> tuple[NeutralText, ...]:
    """The first texts of a file. Raises InputError naming file and row."""
    texts: dict[str, NeutralText] = {}
    for place, raw in read_rows(path, "stop", []):
        if len(texts) == limit:
            break
        row = validated(path, place, TextRow, raw)
        name = str(len(texts) + 1 if row.id is None else row.id)
        if name in texts:
            raise InputError(f"{path}: {place}: two rows have the id {name!r}; ids must differ")
        texts[name] = NeutralText(name, row.text)
    return tuple(texts.values())
