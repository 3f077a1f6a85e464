"""TDS Atlas: measure token distribution shift between language models, and write the report of it.

In Python: `compare` measures two models, `open` reads a report's database, `token_shift` scores a text with models that
are in memory, and `TDSCallback` does so while a Trainer trains. Each is imported when it is first used. On a terminal
the package is the command `tds` (`python -m tds_atlas`). floors.toml lists the rooms and what each may import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError as InputError

if TYPE_CHECKING:
    from tds_atlas.python.answer import Answer as Answer
    from tds_atlas.python.compare import compare as compare
    from tds_atlas.python.result import Result as Result
    from tds_atlas.python.result import open_result as open
    from tds_atlas.python.rows import Rows as Rows
    from tds_atlas.python.token_shift import token_shift as token_shift
    from tds_atlas.python.training import TDSCallback as TDSCallback

__version__ = "0.1.0"
__all__ = ["Answer", "InputError", "Result", "Rows", "TDSCallback", "compare", "open", "token_shift"]
_PLACES = {
    "Answer": ("answer", "Answer"),
    "Result": ("result", "Result"),
    "Rows": ("rows", "Rows"),
    "TDSCallback": ("training", "TDSCallback"),
    "compare": ("compare", "compare"),
    "open": ("result", "open_result"),
    "token_shift": ("token_shift", "token_shift"),
}


def __getattr__(name: str) -> Any:
    """What the package exports, imported when it is first asked for: no torch and no DuckDB before."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, own = _PLACES[name]
    globals()[name] = value = getattr(import_module(f"{__name__}.python.{module}"), own)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
