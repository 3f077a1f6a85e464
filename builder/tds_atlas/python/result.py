"""A report's database as an object: its numbers, its answers, its figures, and SQL over it."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError
from tds_atlas.parts import whole_file
from tds_atlas.python.answer import write_page
from tds_atlas.python.examples import Examples
from tds_atlas.python.rows import Rows
from tds_atlas.record.store import is_current
from tds_atlas.report import query
from tds_atlas.report.answer_html import page_html, result_html
from tds_atlas.report.infinite import infinite_kl
from tds_atlas.report.user_sql import rows_of

if TYPE_CHECKING:
    from altair import Chart

_WIDTH = 640  # pixels of a figure: a notebook's cell has no width of its own
_ON_A_PAGE = 100  # answers of a saved page


class Result:
    """What a comparison found: a report's database, open for reading. A notebook shows its numbers and an answer."""

    def __init__(self, path: str | Path, keep: Any = None) -> None:
        self.path = Path(path)
        self._keep = keep  # the folder that goes when this does
        self._con = query.connect(self.path)
        with query.consistent(self.path):
            run = {row["key"]: row["value"] for row in query.rows(self._con, "pages/run")}
        self.title = run.get("report_title", self.path.stem)

    @cached_property
    def tds(self) -> Rows:
        """A row for each position of each answer in each comparison: `tds.pandas()`, `.polars()`, `.arrow`.

        Probabilities are natural logarithms (`base_logprob`, `delta_logprob`), divergences nats (`kl_aligned_base`,
        `js`), ranks count from 1, positions from 0.
        """
        return Rows(lambda: query.whole(self._con, "tds"))

    @cached_property
    def examples(self) -> Examples:
        """The answers with their tokens, those with the most shifted tokens first."""
        return Examples(self._con)

    @cached_property
    def summary(self) -> Rows:
        """A row for each comparison: shares of unshifted, marginal and shifted tokens (0 to 1), mean KL and JS in nats,
        with 95 % intervals clustered by prompt."""
        return Rows(lambda: query.table(self._con, "pages/headline"))

    def sql(self, text: str) -> Rows:
        """The rows of a query over the database, which is open for reading alone. Raises InputError for other SQL."""
        con = query.connect_as_stored(self.path)
        try:
            table = rows_of(con, text)
        finally:
            con.close()
        return Rows(lambda: table)

    @property
    def figures(self) -> list[str]:
        """The names that `figure` takes."""
        from tds_atlas.report.figures import FIGURES

        return sorted(FIGURES)

    def figure(self, name: str) -> Chart:
        """A figure of the report as an Altair chart. Raises InputError for a name there is not, or without data."""
        from tds_atlas.report.charts import drawings, figure_of

        if name not in self.figures:
            raise InputError(f"figure {name!r}: there is none of this name; known: {', '.join(self.figures)}")
        labels = [row["label"] for row in query.rows(self._con, "pages/comparisons")]
        drawn = figure_of(self._con, drawings([name])[name], labels, infinite_kl(self._con))
        if drawn is None:
            raise InputError(f"figure {name!r}: the report has no data for it")
        chart: Any = drawn[0]
        return chart.properties(width=_WIDTH) if chart.to_dict(validate=False).get("width") == "container" else chart  # type: ignore[no-any-return]

    def save(self, path: str | Path) -> Path:
        """Write the report's database, for `tds report --db`, `tds query --db`, `tds compare`, and `tds_atlas.open`.

        Replaces an older database of tds, and nothing else. Returns the path.
        """
        target = Path(path).expanduser()
        is_current(target, "")
        with whole_file(target) as part:
            shutil.copyfile(self.path, part)
        return target

    def save_html(self, path: str | Path, answers: int = _ON_A_PAGE) -> Path:
        """Write the numbers and the answers, coloured, as one file that needs nothing else. Returns its path.

        answers: at most so many, those with the most shifted tokens.
        """
        shown, count = self.examples[:answers], len(self.examples)
        return write_page(Path(path).expanduser(), page_html(self.title, self.summary.dicts(), shown, count))

    def __repr__(self) -> str:
        lines = [f"{row['label']}: {row['shifted']:.1%} of {row['positions']:,} tokens shifted" for row in self._rows]
        return "\n".join([f"<Result: {self.title}>", *lines])

    def _repr_html_(self) -> str:
        return result_html(self.title, self._rows, self.examples[0] if len(self.examples) else None)

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return self.summary.dicts()


def open_result(path: str | Path) -> Result:
    """A report's database as a Result. Raises InputError for any other file.

    >>> import tds_atlas as tds
    >>> tds.open("no-such.duckdb")
    Traceback (most recent call last):
    tds_atlas.domain.InputError: no-such.duckdb: no such file; run `tds store` to write it, or name another with --db
    """
    return Result(Path(path).expanduser())
