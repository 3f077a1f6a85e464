"""Rows of a database for whatever reads them: Arrow at once, pandas and Polars where these are installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from importlib import import_module
from typing import Any

import pyarrow as pa

from tds_atlas.domain import InputError
from tds_atlas.report.answer_html import rows_html
from tds_atlas.report.table_formats import format_table

_SHOWN = 20  # rows in a notebook


class Rows:
    """Rows with names; read from the database when they are first asked for.

    They are an Arrow stream for every library that takes one: `polars.DataFrame(rows)`, `pyarrow.table(rows)`.
    """

    def __init__(self, read: Callable[[], pa.Table]) -> None:
        self._read = read

    @cached_property
    def arrow(self) -> pa.Table:
        """The rows as a `pyarrow.Table`."""
        return self._read()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.arrow.column_names)

    def pandas(self) -> Any:
        """The rows as a `pandas.DataFrame`. Raises InputError if pandas is not installed."""
        _needed("pandas")
        return self.arrow.to_pandas()

    def polars(self) -> Any:
        """The rows as a `polars.DataFrame`. Raises InputError if Polars is not installed."""
        return _needed("polars").from_arrow(self.arrow)

    def dicts(self) -> list[dict[str, Any]]:
        """A dict for each row."""
        return list(self.arrow.to_pylist())

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.arrow.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return format_table(self.arrow.slice(0, _SHOWN), "table", 120, "Take columns by name.") + _more(len(self))

    def _repr_html_(self) -> str:
        return rows_html(self.columns, self.arrow.slice(0, _SHOWN).to_pylist(), len(self))


def _more(count: int) -> str:
    return f"\n(the first {_SHOWN} of {count:,} rows)" if count > _SHOWN else ""


def _needed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"{name} is not installed; `pip install {name}`, or take .arrow") from None
