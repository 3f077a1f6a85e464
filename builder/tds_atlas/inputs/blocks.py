"""What the blocks of a report file are made of: frozen settings without unknown keys, and the types of their values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from tds_atlas.domain import NAME


def _no_truth(value: Any) -> Any:
    """To Python true is 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number above 0, not true or false")
    return value


def beside_report(path: Path, info: ValidationInfo) -> Path:
    """Input paths are relative to the report file."""
    folder = (info.context or {}).get("folder", Path())
    return Path(folder) / path.expanduser()


Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=80)]
Positive = Annotated[int, BeforeValidator(_no_truth), Field(ge=1, le=2**31 - 1)]
InputPath = Annotated[Path, AfterValidator(beside_report)]
OutputPath = Annotated[Path, AfterValidator(Path.expanduser)]


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
