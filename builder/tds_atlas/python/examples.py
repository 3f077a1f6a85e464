"""The answers of a result, each read from its database when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

from tds_atlas.pipeline.ask import ScoredToken
from tds_atlas.python.answer import Answer
from tds_atlas.python.rows import Rows
from tds_atlas.report import query

_AT_ONCE = 100  # answers whose tokens are in memory while one goes through them


class Examples(Sequence[Answer]):
    """Every answer of each comparison, those with the largest share of shifted tokens first: `examples[0]`.

    `.rows` has a row for each, with its prompt, its text, and its shares and means.
    """

    def __init__(self, con: Any) -> None:
        self._con = con

    @cached_property
    def rows(self) -> Rows:
        """A row for each answer: prompt, answer, shares (0 to 1), means in nats."""
        return Rows(lambda: query.table(self._con, "pages/answers_by_shift"))

    def of(self, prompt: str) -> list[Answer]:
        """The answers to a prompt, by its text or its id: one for each comparison, or for each sample."""
        columns = self.rows.arrow.select(["prompt", "prompt_id"]).to_pylist()
        return self._answers([i for i, row in enumerate(columns) if prompt in row.values()])

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Answer: ...
    @overload
    def __getitem__(self, place: slice) -> list[Answer]: ...
    def __getitem__(self, place: int | slice) -> Answer | list[Answer]:
        if isinstance(place, slice):
            return self._answers(range(len(self))[place])
        if not -len(self) <= place < len(self):
            raise IndexError(f"there are {len(self)} answers")
        return self._answers([place % len(self)])[0]

    def __iter__(self) -> Iterator[Answer]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self[start : start + _AT_ONCE]

    def __repr__(self) -> str:
        return f"<{len(self)} answers, those with the most shifted tokens first>"

    def _answers(self, places: Sequence[int]) -> list[Answer]:
        """The answers at these places, in this order, by one query for each comparison among them."""
        found = self.rows.arrow.take(list(places)).to_pylist()
        tokens: dict[tuple[str, str], list[ScoredToken]] = {}
        for comparison in dict.fromkeys(row["comparison_id"] for row in found):
            names = [row["response_id"] for row in found if row["comparison_id"] == comparison]
            for token in query.rows(self._con, "pages/answer_tokens", comparison_id=comparison, responses=names):
                tokens.setdefault((comparison, token.pop("response_id")), []).append(ScoredToken(**token))
        return [_answer(row, tokens[row["comparison_id"], row["response_id"]]) for row in found]


def _answer(row: dict[str, Any], tokens: list[ScoredToken]) -> Answer:
    sides = (row["comparison_id"], row["base_condition_id"], row["aligned_condition_id"])
    return Answer(row["prompt"], *sides, row["answer"], row["finish"], tuple(tokens))
