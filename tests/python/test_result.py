"""A result: its rows, answers, figures, SQL and HTML, of the made-up database with its hostile texts."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import tds_atlas as tds
from tds_atlas.report import theme
from tds_atlas.report.answer_html import _template
from tests.conftest import ROOT
from tests.report import synthetic


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tds.Result:
    return tds.open(synthetic.write(tmp_path_factory.mktemp("result") / "made.duckdb", prompts=7))


class Texts(HTMLParser):
    """What stands in the answer's block, and every tag of a document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.depth, self.answers = 0, list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        classes = (dict(attrs).get("class") or "").split()
        if "tds-a" in classes:
            self.answers.append("")
            self.depth = 1
        elif self.depth:
            self.depth += 1
            self.end = "tds-e" in classes

    def handle_endtag(self, tag: str) -> None:
        self.depth -= bool(self.depth)

    def handle_data(self, data: str) -> None:
        if self.depth and not self.end:
            self.answers[-1] += data


def test_its_rows_are_the_view_for_arrow_and_pandas(result: tds.Result) -> None:
    (count,) = result.sql("SELECT count(*) AS n, avg(kl_aligned_base) AS kl FROM tds").dicts()
    frame = result.tds.pandas()
    assert isinstance(frame, pd.DataFrame) and len(frame) == len(result.tds) == count["n"]
    assert frame["kl_aligned_base"].mean() == pytest.approx(count["kl"])
    assert pa.table(result.tds).column_names == result.tds.columns and "delta_logprob" in result.tds.columns
    shifted = frame[frame.comparison_id == "c-1"]["shift"].eq("shifted").mean()
    assert result.summary.dicts()[0]["shifted"] == pytest.approx(shifted)
    if "polars" not in sys.modules:
        with pytest.raises(tds.InputError, match="polars is not installed"):
            result.tds.polars()


def test_answers_come_with_their_tokens_the_most_shifted_first(result: tds.Result) -> None:
    shares = [answer.shifted_share for answer in result.examples]
    assert shares == sorted(shares, reverse=True) and len(shares) == len(result.examples)
    answer = result.examples[-1]
    assert "".join(token.text for token in answer.tokens) == answer.text
    (row,) = result.sql(f"FROM example WHERE response_id = '{result.examples.rows.dicts()[-1]['response_id']}' AND "
                        f"comparison_id = '{answer.comparison}'").dicts()  # fmt: skip
    assert answer.kl == pytest.approx(row["mean_kl_aligned_base_nats"]) and answer.shifted_share == row["shifted_share"]
    assert len(answer.rows) == row["n_tokens"] == len(answer.tokens)
    assert {found.comparison for found in result.examples.of(answer.prompt)} == {"c-1", "c-2"}
    with pytest.raises(IndexError):
        result.examples[len(shares)]


def test_a_notebook_shows_an_answer_as_it_is_and_runs_nothing_of_it(result: tds.Result, tmp_path: Path) -> None:
    """Of every answer, whatever it holds; what is shown and what is saved need no script and no other file."""
    path = result.save_html(tmp_path / "all.html")
    page = Texts(path.read_text(encoding="utf-8"))
    assert [text.replace("\ufffd", "") for text in page.answers] == [answer.text for answer in result.examples]
    pieces = [
        result._repr_html_(),
        result.examples[0]._repr_html_(),
        result.tds._repr_html_(),
        path.read_text(encoding="utf-8"),
    ]
    for html in pieces:
        shown = Texts(html)
        assert not shown.tags & {"script", "img", "link", "b<i", "i", "iframe", "object"}
        assert not {name for name in shown.attributes if name.startswith("on") or name in ("src", "href", "style")}
        assert "://" not in html.replace("javascript:", "") and "@import" not in html and "url(" not in html
        assert "prefers-color-scheme:dark" in html
    assert "default-src 'none'" in pieces[-1]


def test_its_colours_are_the_sites() -> None:
    css = (ROOT / "site_src/assets/css/tds.css").read_text(encoding="utf-8")
    own = _template().render(part="rows", columns=[], rows=[], count=0)
    light, dark = own.split("prefers-color-scheme:dark", 1)
    for block, palette in ((light, css.split("slate")[0]), (dark, css.split("slate")[1])):
        for name, of_site in {"ink": "ink", "quiet": "quiet", "paper": "paper", "mw": "marginal-wash", "sw": "shifted-wash",
                              "mi": "marginal-ink", "si": "shifted-ink", "m": "marginal", "s": "shifted"}.items():  # fmt: skip
            colour = palette.split(f"--tds-{of_site}: ", 1)[1].split(";")[0]
            assert f"--{name}:{colour}" in block, name
    assert f"--s:{theme.SHIFT_COLOURS['shifted']}" in light


def test_a_figure_is_the_reports_with_a_width_of_its_own(result: tds.Result) -> None:
    spec = result.figure("shift_by_comparison").to_dict()
    assert spec["width"] == 640 and "shifted" in spec["description"]
    for name, said in (("none", "there is none of this name; known: aligntds"), ("stage_credit", "has no data for it")):
        with pytest.raises(tds.InputError, match=said):
            result.figure(name)


@pytest.mark.parametrize("sql", ["DROP TABLE run", "COPY run TO 'x.csv'", "FROM read_csv('/etc/passwd')", "nonsense"])
def test_sql_reads_the_database_alone(result: tds.Result, sql: str) -> None:
    with pytest.raises(tds.InputError) as error:
        result.sql(sql)
    assert "\n" not in str(error.value)


def test_what_is_saved_is_the_reports_own_database(tmp_path: Path) -> None:
    one = tds.open(synthetic.write(tmp_path / "a.duckdb", prompts=7)).save(tmp_path / "kept.duckdb")
    assert one.read_bytes() == (tmp_path / "a.duckdb").read_bytes() and tds.open(one).title == "Made <up>"
    (tmp_path / "own.txt").write_text("mine")
    for place in ("own.txt", "none.duckdb"):
        with pytest.raises(tds.InputError):
            tds.open(tmp_path / place)
    with pytest.raises(tds.InputError, match="it is left alone"):
        tds.open(one).save(tmp_path / "own.txt")
    with pytest.raises(tds.InputError, match=r"must be named \.html"):
        tds.open(one).save_html(tmp_path / "own.txt")
    assert (tmp_path / "own.txt").read_text() == "mine"


def test_the_import_is_cheap_and_names_what_there_is() -> None:
    code = """
import sys, tds_atlas as tds
heavy = {"torch", "transformers", "duckdb", "pyarrow", "altair", "pydantic", "rich"} & sys.modules.keys()
assert not heavy, heavy
assert {"compare", "open", "token_shift", "TDSCallback"} <= set(dir(tds))
try: tds.nothing
except AttributeError as error: print(error)
print(tds.open.__module__, "torch" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["module 'tds_atlas' has no attribute 'nothing'", "tds_atlas.python.result False"]
