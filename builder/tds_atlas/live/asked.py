"""What a page may ask of the models: two questions as checked records. Their limits are the page's, too."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from tds_atlas.domain import InputError, text_fault
from tds_atlas.inputs.blocks import Settings
from tds_atlas.inputs.faults import first_fault

PROMPT_CHARACTERS = 8_000
ANSWER_TOKENS = 1_024
NEW_TOKENS = 256  # of one request; a page asks again for more
BODY_BYTES = 256_000
_ANSWER_CHARACTERS = 16 * ANSWER_TOKENS

Id = Annotated[int, Field(strict=True, ge=0, lt=2**31)]
Ids = Annotated[tuple[Id, ...], Field(max_length=ANSWER_TOKENS)]
Prompt = Annotated[str, Field(strict=True, min_length=1, max_length=PROMPT_CHARACTERS)]
Key = Annotated[str, Field(strict=True, max_length=400)]
Asked = TypeVar("Asked", bound=Settings)


class Read(Settings):
    """An answer to be scored: its text, read as the answers of a file are, or its exact ids."""

    comparison: Key
    prompt: Prompt
    answer: Annotated[str, Field(strict=True, min_length=1, max_length=_ANSWER_CHARACTERS)] | None = None
    ids: Annotated[Ids, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.answer is None) == (self.ids is None):
            raise ValueError("give either answer, a text, or ids, its tokens")
        return self


class Write(Settings):
    """The greedy tokens behind these ids, by one side."""

    comparison: Key
    prompt: Prompt
    ids: Ids
    by: Literal["base", "aligned"]
    tokens: Annotated[int, Field(strict=True, ge=1, le=NEW_TOKENS)]


def asked(kind: type[Asked], body: bytes) -> Asked:
    """A request's JSON as a question. Raises InputError, one line: which key, what is wrong."""
    try:
        found = kind.model_validate_json(body)
    except ValidationError as error:
        raise InputError(first_fault(error, kind)) from None
    values: dict[str, Any] = dict(found)
    for key in ("prompt", "answer"):
        if fault := text_fault(values.get(key) or ""):
            raise InputError(f"{key}: {fault}")
    return found
