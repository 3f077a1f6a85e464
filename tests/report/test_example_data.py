"""The data of the example pages and of their table, unpacked by an independent reader and compared with the database."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from tds_atlas.report import query
from tds_atlas.report.examples.data import BETWEEN, Answers, Scores, Vocabulary, joined, pack_scores, page_data
from tds_atlas.report.examples.packing import DIGITS, packed
from tds_atlas.report.examples.pages import FINISHES, index_data
from tests.report import synthetic


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    path = tmp_path_factory.mktemp("db") / "made.duckdb"
    return query.connect(synthetic.write(path, noise=True, further=True, rich=True))


Row = dict[str, Any]


def unpacked(text: str) -> Iterator[int]:
    """Numbers from their digits, the slow way: all shorter numbers come before those of more digits."""
    digits: list[int] = []
    for char in text:
        digits.append(DIGITS.index(char))
        if digits[-1] < 45:
            shorter = sum(45**k for k in range(1, len(digits)))
            yield shorter + sum(d % 45 * 45**k for k, d in enumerate(digits))
            digits = []
    assert not digits


def tokens(text: str) -> list[str]:
    shown = [""]
    for part in text.split(BETWEEN) if text else []:
        rest = part[1:]
        shown.append(shown[-1][: DIGITS.index(part[0])] + ("␣" + rest[1:] if rest.startswith(" ") else rest))
    return shown[1:]


def test_joined_tokens_come_back() -> None:
    texts = ["␣the", "␣then", "", "␣␣", "the", "天地", "天人", "🙂👩", "🙂", "x" * 200, "x" * 201, "a b"]
    assert tokens(joined(texts)) == texts and tokens(joined([])) == []


def test_packed_numbers_come_back() -> None:
    rng = random.Random(0)
    values = [*range(2200), 93194, 93195, 10**9, *(rng.randrange(10**6) for _ in range(500))]
    assert list(unpacked(packed(np.array(values)))) == values and packed(np.array([[]])) == ""
    assert [len(packed(np.array([v]))) for v in (44, 45, 2069, 2070, 93194, 93195)] == [1, 2, 2, 3, 3, 4]
    assert json.dumps(DIGITS)[1:-1] == DIGITS and not set(DIGITS) & set("<>&")


def _scores(text: str, shown: list[str], base: list[list[str]] | None) -> Iterator[dict[str, Any]]:
    numbers = iter(unpacked(text))
    for pos, rank in enumerate(numbers):
        row: dict[str, Any] = {"rank": rank, "logprob": next(numbers), "entropy": next(numbers), "top": []}
        minus = 0
        for _ in range(10):
            which = next(numbers)
            token = shown[which] if base is None else base[pos][which] if which < 10 else shown[which - 10]
            minus += next(numbers)
            row["top"].append((token, minus))
        yield row


def _page(con: duckdb.DuckDBPyConnection, comparison: Row, example: Row) -> tuple[Row, Row]:
    """The page's data, as one of a few that are read together."""
    name = comparison["comparison_id"]
    some = [e["response_id"] for e in query.rows(con, "pages/examples") if e["comparison_id"] == name][:3]
    answers = Answers(con, name, list(dict.fromkeys([*some, example["response_id"]])))
    return page_data(comparison, example, answers, Vocabulary(con, name))


@pytest.mark.parametrize("comparison_id", ["c-1", "c-sft-dpo"])
def test_a_page_holds_what_the_database_says(con: duckdb.DuckDBPyConnection, comparison_id: str) -> None:
    """Every number of every condition, further ones too, against single look-ups."""
    comparison = next(c for c in query.rows(con, "pages/comparisons") if c["comparison_id"] == comparison_id)
    example = next(e for e in query.rows(con, "pages/examples") if e["comparison_id"] == comparison_id)
    own, more = _page(con, comparison, example)
    scored = {c for (c,) in con.execute("SELECT condition_id FROM condition WHERE arithmetic = ''").fetchall()}
    assert {*own["said"], *more["said"]} == scored and set(own["more"]) == set(more["said"])
    assert list(own["said"]) == [comparison["base_condition_id"], comparison["aligned_condition_id"]]
    first = tokens(own["tokens"])
    texts = dict(con.execute("SELECT token_id, text FROM token").fetchall())
    base = [[t for t, _ in r["top"]] for r in _scores(own["said"][comparison["base_condition_id"]], first, None)]
    for part, shown in ((own, first), (more, first + tokens(more["tokens"]))):
        for condition, text in part["said"].items():
            rows = con.execute(
                "SELECT rank, logprob, entropy, top_ids, top_logprobs FROM score WHERE response_id = ? AND condition_id = ? ORDER BY pos",
                [example["response_id"], condition],
            ).fetchall()
            for got, (rank, logprob, entropy, ids, logprobs) in zip(
                _scores(text, shown, None if condition == comparison["base_condition_id"] else base), rows, strict=True
            ):
                assert got["rank"] == rank and got["logprob"] == round(-1000 * logprob) + 1
                assert got["entropy"] == pytest.approx(1000 * entropy, abs=0.51)
                assert [t.lstrip("␣") for t, _ in got["top"]] == [_plain(texts[i]) for i in ids[:10]]
                assert [m for _, m in got["top"]] == pytest.approx([-1000 * x for x in logprobs[:10]], abs=0.51)


def _plain(text: str) -> str:
    return text.lstrip(" ").replace("\n", "↵")


def test_divergences_and_continuations(con: duckdb.DuckDBPyConnection) -> None:
    comparison = query.rows(con, "pages/comparisons")[0]
    example = query.rows(con, "pages/examples")[0]
    own, _ = _page(con, comparison, example)
    rows = con.execute(
        "SELECT kl_aligned_base, kl_base_aligned, js FROM divergence WHERE response_id = ? AND comparison_id = 'c-1' ORDER BY pos",
        [example["response_id"]],
    ).fetchall()
    flat = [10_000 * x for row in rows for x in row]
    assert list(unpacked(own["far"])) == pytest.approx(flat, abs=0.51) and own["n"] == len(rows)
    assert own["gone"] == {str(pos): [synthetic.HOSTILE[0], False] for pos in range(3)}


def test_a_token_that_a_model_does_not_have_stays_none() -> None:
    scores = Scores(np.array([9]), np.array([0]), np.array([5]), np.array([[7]]), np.array([[3]]))
    assert list(unpacked(pack_scores(scores, np.zeros(8, int), None))) == [9, 0, 5, 0, 3]


def test_the_table_has_every_row_by_column(con: duckdb.DuckDBPyConnection) -> None:
    examples = query.rows(con, "pages/examples")
    data = index_data(examples, {1, 3})
    rows, prompts, answers = data["rows"], data["prompts"], data["answers"]
    assert {len(column) for column in rows.values()} == {len(examples)}
    assert len(prompts["text"]) == 24 and len(answers["text"]) == 24 and len(examples) == 96
    for i, e in enumerate(examples):
        p, a = rows["prompt"][i], rows["answer"][i]
        assert (
            data["comparisons"][rows["comparison"][i]][0] == e["comparison_id"]
            and prompts["ordinal"][p] == e["ordinal"]
        )
        assert rows["unshifted"][i] / answers["tokens"][a] == pytest.approx(e["unshifted_share"])
        assert rows["marginal"][i] / answers["tokens"][a] == pytest.approx(e["marginal_share"])
        assert rows["delta"][i] == pytest.approx(1000 * e["mean_delta_logprob_nats"], abs=0.51)
        assert rows["kl"][i] == pytest.approx(1000 * e["mean_kl_aligned_base_nats"], abs=0.51)
        assert (rows["first"][i], rows["rank"][i]) == (e["first_shifted_pos"], e["max_base_rank"])
        assert [data["tasks"][k] for k in prompts["tasks"][p]] == e["tasks"] and prompts["harmful"][p] == e["harmful"]
        assert prompts["page"][p] == (e["ordinal"] in (1, 3))
        assert FINISHES[answers["finish"][a]] == e["finish"]


def test_the_data_file_of_the_table_is_a_fraction_of_rows(con: duckdb.DuckDBPyConnection) -> None:
    """What is shared is held once: four comparisons over the same answers cost little more than one."""
    examples = query.rows(con, "pages/examples")
    alone = [e for e in examples if e["comparison_id"] == "c-1"]
    size = len(json.dumps(index_data(examples, ()))) / len(json.dumps(index_data(alone, ())))
    assert size < 2.2


def test_pages_name_no_path_that_is_not_written(tmp_path: Path) -> None:
    """With only the two conditions of a comparison there is no second file, and none is named."""
    bare = query.connect(synthetic.write(tmp_path / "x.duckdb", prompts=2))
    comparison, example = query.rows(bare, "pages/comparisons")[0], query.rows(bare, "pages/examples")[0]
    own, more = _page(bare, comparison, example)
    assert own["more"] == [] and more == {"tokens": "", "said": {}} and own["gone"] == {}
