"""Two report databases, matched: comparisons by id, prompts by text. Refuses what has no common yardstick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tds_atlas.domain import InputError
from tds_atlas.gate.rules import Measure
from tds_atlas.gate.sums import Sums
from tds_atlas.report import query
from tds_atlas.report.numbers import counted

Mode = Literal["same answers", "own answers", "unpaired"]
FEWEST = 10  # shared prompts below which there is no verdict
_SQL = Path(__file__).parent / "sql"
_YARDSTICK = {  # columns of yardsticks.sql that must agree, with the word for each
    "base_weights": "weights of the base",
    "base_vocabulary": "vocabulary of the base",
    "base_dtype": "dtype of the base",
    "base_template": "context of the base",
    "base_system": "system prompt of the base",
}


@dataclass(frozen=True)
class ReportSums:
    """What one database says of each comparison."""

    path: Path
    title: str
    content_key: str
    comparisons: Mapping[str, Mapping[str, Any]]  # the rows of yardsticks.sql by comparison_id
    sums: Mapping[
        tuple[str, str], Mapping[str, tuple[float, float, float]]
    ]  # by comparison and measure: text -> x, n, bad
    answers: Mapping[str, Mapping[str, tuple[str, int]]]  # by comparison: text -> hash of its answers, ordinal
    floors: Mapping[str, Mapping[str, float]]  # by condition: what each measure moves by arithmetic alone
    strata: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # by text: the prompt's set and tasks
    left_out: tuple[str, ...] = ()  # comparisons of log-probabilities alone, which have no classes


def read_sums(path: Path) -> ReportSums:
    """Raises InputError where the file is not a database of this version of tds, or its rows contradict one another."""
    with query.consistent(path), closing(query.connect(path)) as con:
        run = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}

        def rows(name: str) -> list[dict[str, Any]]:
            return list(con.sql((_SQL / f"{name}.sql").read_text(encoding="utf-8")).to_arrow_table().to_pylist())

        sums: dict[tuple[str, str], dict[str, tuple[float, float, float]]] = {}
        for row in rows("sums"):
            sums.setdefault((row["comparison_id"], row["measure"]), {})[row["text"]] = (row["x"], row["n"], row["bad"])
        answers: dict[str, dict[str, tuple[str, int]]] = {}
        for row in rows("answers"):
            answers.setdefault(row["comparison_id"], {})[row["text"]] = (row["answers"], row["ordinal"])
        return ReportSums(
            path,
            run.get("report_title", path.name),
            run.get("content_key", ""),
            {row["comparison_id"]: row for row in rows("yardsticks")},
            sums,
            answers,
            {row.pop("condition_id"): row for row in rows("floors")},
            {row["text"]: (row["set"], row["tasks"]) for row in rows("strata")},
            tuple(row["comparison_id"] for row in query.rows(con, "pages/likelihood")),
        )


@dataclass(frozen=True)
class Match:
    """A comparison of A and the one of B that is held against it."""

    a: ReportSums
    b: ReportSums
    a_id: str
    b_id: str

    @property
    def name(self) -> str:
        return self.a_id if self.a_id == self.b_id else f"{self.a_id}={self.b_id}"

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """The texts of the prompts that both have."""
        return tuple(sorted(self.a.answers.get(self.a_id, {}).keys() & self.b.answers.get(self.b_id, {}).keys()))

    @property
    def only(self) -> tuple[int, int]:
        """How many prompts only A has, and only B."""
        a, b = self.a.answers.get(self.a_id, {}), self.b.answers.get(self.b_id, {})
        return len(a) - len(self.shared), len(b) - len(self.shared)

    @property
    def told(self) -> str:
        """Over what the two are compared."""
        only = ", ".join(f"{n:,} only in {r}" for n, r in zip(self.only, "AB", strict=True) if n)
        return f"{counted(len(self.shared), 'shared prompt')}, {self.mode}{f'; {only}' if only else ''}"

    @cached_property
    def mode(self) -> Mode:
        """Same answers where every shared prompt has the same tokens in both reports."""
        a, b = self.a.answers[self.a_id], self.b.answers[self.b_id]
        return "same answers" if all(a[text][0] == b[text][0] for text in self.shared) else "own answers"

    def sums(self, measure: Measure) -> Sums:
        a, b = (r.sums.get((i, measure.records), {}) for r, i in ((self.a, self.a_id), (self.b, self.b_id)))
        known = [text for text in self.shared if text in a and text in b]
        texts = tuple(text for text in known if a[text][1] > 0 and b[text][1] > 0)
        columns = np.array([(*a[text], *b[text]) for text in texts], dtype=float).reshape(-1, 6)
        bad = sum(int(a[text][2] + b[text][2]) for text in known)
        x_n = (columns[:, 0], columns[:, 1], columns[:, 3], columns[:, 4])
        return Sums(texts, *x_n, bad, is_median=bool(measure.median_of))

    def floor(self, measure: Measure) -> float | None:
        """The largest that the measure moves by arithmetic alone, in either report; None without an A/A check."""
        values = [
            report.floors[row[side]].get(measure.records)
            for report, row in ((self.a, self.a.comparisons[self.a_id]), (self.b, self.b.comparisons[self.b_id]))
            for side in ("base_condition", "aligned_condition")
            if row[side] in report.floors
        ]
        return max((value for value in values if value is not None), default=None)

    @property
    def is_checked(self) -> bool:
        """Whether both reports hold an A/A check of a condition of this comparison."""
        sides = ((self.a, self.a.comparisons[self.a_id]), (self.b, self.b.comparisons[self.b_id]))
        return all({row["base_condition"], row["aligned_condition"]} & r.floors.keys() for r, row in sides)

    @property
    def is_one_model(self) -> bool:
        """Whether both have the same aligned weights: an A/A comparison."""
        rows = (self.a.comparisons[self.a_id], self.b.comparisons[self.b_id])
        return bool(rows[0]["aligned_weights"] == rows[1]["aligned_weights"])

    def check(self, allowed: Sequence[str]) -> None:
        """Raises InputError where the two have no common yardstick, unless `base` is allowed, or few shared prompts."""
        self.check_yardstick(allowed)
        if len(self.shared) < FEWEST:
            raise InputError(
                f"{self.b.path}: {self.b_id}: {len(self.shared)} of its prompts are those of {self.a_id} in "
                f"{self.a.path}; no verdict from fewer than {FEWEST}, but see --unpaired"
            )

    def check_yardstick(self, allowed: Sequence[str]) -> None:
        rows = (self.a.comparisons[self.a_id], self.b.comparisons[self.b_id])
        other = [word for column, word in _YARDSTICK.items() if rows[0][column] != rows[1][column]]
        if other and "base" not in allowed:
            raise InputError(
                f"{self.b.path}: {self.b_id}: another {other[0]} than {self.a_id} of {self.a.path}, so the yardstick "
                "moved; measure both against one base, or give --allow base"
            )


def matches(a: ReportSums, b: ReportSums, mapped: Mapping[str, str]) -> list[Match]:
    """The comparisons with the same id in both, or only those `mapped` (A's id -> B's). InputError without any."""
    for report, names in ((a, mapped.keys()), (b, mapped.values())):
        if lost := next((name for name in names if name not in report.comparisons), None):
            raise InputError(f"--map {lost}: {report.path} has no such comparison; it has {_listed(report)}")
    pairs = mapped or {name: name for name in a.comparisons}
    found = [Match(a, b, one, other) for one, other in pairs.items() if other in b.comparisons]
    if not found:
        raise InputError(
            f"{b.path}: no comparison is called as one of {a.path}: {_listed(b)} beside {_listed(a)}; give --map A=B"
        )
    return found


def _listed(report: ReportSums) -> str:
    known = ", ".join(report.comparisons) or "none"
    return known + (f" ({', '.join(report.left_out)}: log-probabilities alone)" if report.left_out else "")
