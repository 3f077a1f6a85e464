"""One answer with all its positions under both models, which a notebook shows coloured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from tds_atlas.domain import InputError
from tds_atlas.parts import whole_file, write_file
from tds_atlas.pipeline.ask import ScoredAnswer
from tds_atlas.python.rows import Rows
from tds_atlas.report.answer_html import answer_html, page_html


@dataclass(frozen=True)
class Answer(ScoredAnswer):
    """An answer, `.text`, to a `.prompt`, and its `.tokens`: n positions, the end token among them.

    A token has its `pos` (from 0), `text`, `shift` (unshifted, marginal, shifted), both models' ranks (from 1),
    log-probabilities and first choices, and KL and JS there, in nats.
    """

    @property
    def text(self) -> str:
        """The answer's text, without its end token."""
        return self.answer

    @property
    def shifted_share(self) -> float:
        """The share of positions, from 0 to 1, whose token is not among the base's first three."""
        return self.shares["shifted"]

    @property
    def kl(self) -> float | None:
        """The mean of KL(tuned‖base) over the positions, in nats; None where lists bound it only."""
        return _mean(token.kl_aligned_base for token in self.tokens)

    @property
    def js(self) -> float | None:
        """The mean Jensen-Shannon divergence over the positions, in nats, at most ln 2; None as above."""
        return _mean(token.js for token in self.tokens)

    @property
    def rows(self) -> Rows:
        """The tokens as rows: for Arrow, pandas, Polars."""
        return Rows(lambda: pa.Table.from_pylist([asdict(token) for token in self.tokens]))

    def save_html(self, path: str | Path) -> Path:
        """Write the answer as one file that needs nothing else. Returns its path."""
        return write_page(Path(path), page_html(self.prompt or "Token distribution shift", [], [self], 1))

    def __repr__(self) -> str:
        kl = "–" if self.kl is None else f"{self.kl:.3f}"
        return f"<Answer: {len(self.tokens)} tokens, {self.shifted_share:.1%} shifted, mean KL {kl} nats>"

    def _repr_html_(self) -> str:
        return answer_html(self)


def write_page(path: Path, html: str) -> Path:
    """A file written whole. Raises InputError for a file that is no page, which it would replace."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: must be named .html, so that no other file is replaced")
    with whole_file(path) as part:
        write_file(part, html)
    return path


def _mean(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else sum(x for x in known if x is not None) / len(known)
