"""Answers side by side: for each prompt the answer in A and that in B, and the pages of those that changed most.

A pair's page draws both answers from the numbers of their own example pages, which the site has, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tds_atlas.parts import write_file
from tds_atlas.report.examples.pages import answer_name
from tds_atlas.report.markup import title
from tds_atlas.report.pages import environment

Row = dict[str, Any]
FOLDER = "examples/beside"
_TEMPLATES = Path(__file__).parent / "templates"
_MOST = 100  # pages of a comparison, besides those of the prompts that a rule names


@dataclass(frozen=True)
class Beside:
    """An answer of A and the one of B to the same prompt: rows of pages/examples."""

    folder: str  # the comparison's id in A
    a: Row
    b: Row

    @property
    def page(self) -> str:
        return f"{FOLDER}/{self.folder}/{self.a['page']}"

    @property
    def js(self) -> float | None:
        """How much the mean JS rose; None where it is not known."""
        known = [e["mean_js_lower_nats"] for e in (self.a, self.b)]
        if None in known or known != [e["mean_js_upper_nats"] for e in (self.a, self.b)]:
            return None
        return float(known[1] - known[0])

    @property
    def shifted(self) -> float:
        return float(self.b["shifted_share"] - self.a["shifted_share"])

    @property
    def size(self) -> float:
        """How much it changed: the difference of mean JS, else of the share of shifted tokens."""
        return abs(self.shifted if self.js is None else self.js)

    @property
    def title(self) -> str:
        which = f" · answer {answer_name(self.a)}" if self.a["answers"] > 1 else ""
        return f"{title(self.a['prompt'])} · A and B{which}"


def besides(examples: Iterable[Row]) -> list[Beside]:
    """Every answer of A beside that of B with the same number, those that changed most first in each comparison."""
    by_place = {(e["comparison_ordinal"], e["prompt_id"], e["number"]): e for e in examples}
    pairs = [
        Beside(a["comparison_id"].removeprefix("a-"), a, by_place[ordinal + 1, prompt_id, number])
        for (ordinal, prompt_id, number), a in by_place.items()
        if ordinal % 2 and (ordinal + 1, prompt_id, number) in by_place
    ]
    return sorted(pairs, key=lambda p: (p.a["comparison_ordinal"], -p.size, p.a["ordinal"], p.a["number"]))


def paged(pairs: Sequence[Beside], named: Collection[tuple[str, str]]) -> list[Beside]:
    """Those that get a page: the ones that changed most, and of the prompts named (by comparison and text)."""
    kept: list[Beside] = []
    for _, group in groupby(pairs, key=lambda p: p.folder):
        mine = list(group)
        kept += [p for i, p in enumerate(mine) if i < _MOST or (p.folder, p.a["prompt"]) in named]
    return kept


def write_pages(docs: Path, pairs: Sequence[Beside], same: Mapping[str, bool]) -> None:
    """The page of each pair, linked in order. same: by comparison, whether both reports read the same answers."""
    stub = environment(_TEMPLATES).get_template("beside.md")
    for folder, group in groupby(pairs, key=lambda p: p.folder):
        mine = list(group)
        (docs / FOLDER / folder).mkdir(parents=True)
        for i, pair in enumerate(mine):
            near = {"previous": mine[i - 1] if i else None, "next": mine[i + 1] if i + 1 < len(mine) else None}
            text = stub.render(pair=pair, is_same=same[folder], place=i + 1, **near)
            write_file(docs / f"{pair.page}.md", text)


def found_by_search(pairs: Iterable[Beside]) -> list[Row]:
    """The pairs as search lists examples: each at its own place, with what both answers say."""
    return [
        p.a
        | {
            "comparison_id": f"beside/{p.folder}",
            "response_id": p.page,
            "answer": f"{p.a['answer'][:120]}\n{p.b['answer'][:120]}",
        }
        for p in pairs
    ]
