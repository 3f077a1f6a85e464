"""A user's own figures and pages: shown as the report's are, drawn again only if they changed, refused in one line."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tds_atlas.cli.dev_server import Development, dev_server
from tds_atlas.cli.new_finding import start
from tds_atlas.domain import InputError
from tds_atlas.report import query
from tds_atlas.report.docs import write_docs
from tds_atlas.report.own_figures import write_own_figures
from tds_atlas.report.preview import Preview
from tds_atlas.report.site import build_site
from tests.conftest import ROOT, free_port
from tests.report import synthetic
from tests.report.undrawn import copy_pages, few_figures, undrawn

SPEC = {"mark": "point", "encoding": {"x": {"field": "n", "type": "quantitative"}}}


@pytest.fixture(autouse=True, scope="module")
def images() -> Iterator[None]:
    with undrawn(), few_figures(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("tds_atlas.report.own_figures.write_images", _no_images)
        yield


def _no_images(folder: Path, name: str, spec: object) -> None:
    for ending in ("light.svg", "dark.svg", "png"):
        (folder / f"{name}.{ending}").write_text(str(spec), encoding="utf-8")


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of six prompts with a site and a finding of its owner's, as `tds new` starts it."""
    project = tmp_path_factory.mktemp("own")
    copy_pages(project, "index.md", "words.md", "findings/index.md", "findings/swap.md")
    shutil.copy(ROOT / "mkdocs.yml", project)
    synthetic.write(project / "made.duckdb", prompts=6)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        start("word_length")
    _write(project)
    build_site(project / "mkdocs.yml", project / "site")
    return project


@pytest.fixture
def project(first_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(first_run, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Path.cwd()


def _write(project: Path) -> Path:
    docs = project / "build" / "docs"
    write_docs(project / "made.duckdb", project / "site_src", docs)
    return docs


def _own(project: Path, name: str, sql: str, **drawings: str) -> None:
    (project / "figures").mkdir(exist_ok=True)
    for ending, text in {"sql": sql, **drawings}.items():
        (project / "figures" / f"{name}.{ending}").write_text(text, encoding="utf-8")


def test_a_new_finding_works_as_it_is_and_goes_without_a_trace(project: Path) -> None:
    docs = project / "build" / "docs"
    page = (docs / "findings" / "word_length.md").read_text(encoding="utf-8")
    assert 'data-chart="word_length"' in page and "characters of the token" in page
    assert "findings/word_length.md" in (project / "build" / "nav.yml").read_text(encoding="utf-8")
    assert {path.suffix for path in (docs / "figures").glob("word_length*")} == {".json", ".sql", ".csv", ".svg", ".png"}
    rows = json.loads((docs / "figures" / "word_length.json").read_text(encoding="utf-8"))["datasets"]
    shares = {(r["comparison"], r["characters"]): r["share"] for data in rows.values() for r in data}
    assert shares == _shares_by_length(project / "made.duckdb")
    for folder in ("figures", "findings"):
        shutil.rmtree(project / folder)
    _write(project)
    assert not list(docs.rglob("word_length*"))


def _shares_by_length(database: Path) -> dict[tuple[str, int], float]:
    """Counted one by one."""
    with closing(query.connect(database)) as con:
        sql = "SELECT label, token, shift, is_end FROM tds JOIN comparison USING (comparison_id)"
        rows = con.execute(sql).fetchall()
    counts: dict[tuple[str, int], list[int]] = {}
    for label, token, shift, is_end in rows:
        if not is_end:
            counts.setdefault((label, min(len(token), 8)), []).append(shift == "shifted")
    return {key: pytest.approx(sum(found) / len(found)) for key, found in counts.items()}


def test_only_a_figure_that_changed_is_drawn_again(first_run: Path, tmp_path: Path) -> None:
    docs = tmp_path / "build" / "docs"
    (docs / "figures").mkdir(parents=True)
    _own(tmp_path, "one", "-- One.\nSELECT 1 AS n", json=json.dumps(SPEC))
    _own(tmp_path, "two", "-- Two.\nSELECT 2 AS n", json=json.dumps(SPEC))
    times = []
    for number in (2, 3):
        _own(tmp_path, "two", f"-- Two.\nSELECT {number} AS n")
        with closing(query.connect(first_run / "made.duckdb")) as con:
            shown = write_own_figures(con, tmp_path / "figures", docs, "key", [])
        assert shown["two"]["rows"] == [{"n": number}] and shown["one"]["rows"] == [{"n": 1}]
        times.append([(docs / "figures" / f"{name}.png").stat().st_mtime_ns for name in ("one", "two")])
    assert times[0][0] == times[1][0] and times[0][1] != times[1][1]
    assert '"n": 3' in (docs / "figures" / "two.json").read_text(encoding="utf-8")


PYTHON = "def draw(table, colour):\n    "


@pytest.mark.parametrize(
    ("name", "files", "message"),
    [
        ("x", {"sql": "SELECT 1 AS n", "json": "{}"}, r"x\.sql: must begin with a comment"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n"}, r"x\.sql: has no drawing; give either x\.py or x\.json"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "py": "", "json": "{}"}, r"x\.sql: has two drawings"),
        ("x", {"sql": "-- X.\nSELECT nix FROM tds", "json": "{}"}, r"x\.sql: .*nix"),
        ("x", {"sql": "-- X.\nCOPY tds TO 'y.csv'", "json": "{}"}, r"x\.sql: COPY is not possible"),
        ("x", {"sql": "-- X.\nFROM range(5001)", "json": "{}"}, r"x\.sql: 5,001 rows; .* at most 5,000"),
        ("X", {"sql": "-- X.\nSELECT 1 AS n", "json": "{}"}, r"X\.sql: a figure is named in small letters"),
        ("end_rank", {"sql": "-- X.\nSELECT 1 AS n", "json": "{}"}, r"end_rank\.sql: the report has a figure of this"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "json": "{"}, r"x\.json: is not JSON"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "json": "[]"}, r"x\.json: must be an object"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "json": '{"mark": 7}'}, r"x\.json: \$\.mark: .*; no Vega-Lite spec has that"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "py": PYTHON + "return 1 / 0"}, r"x\.py: line 2: ZeroDivisionError"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "py": "def draw("}, r"x\.py: line 1: SyntaxError"),
        ("x", {"sql": "-- X.\nSELECT 1 AS n", "py": "n = 1"}, r"x\.py: has no function draw\(table, colour\)"),
        (
            "x",
            {"sql": "-- X.\nSELECT 1 AS n", "json": json.dumps({"layer": [SPEC | {"data": {"url": "https://x.y/z"}}]})},
            r"x\.json: loads data from a URL",
        ),
        (
            "x",
            {"sql": "-- X.\nSELECT 1 AS a, 2 AS b", "json": json.dumps(SPEC)},
            r"x\.json: shows a column n that its rows do not have; there are a, b$",
        ),
        (
            "x",
            {"sql": "-- X.\nSELECT 1 AS n", "py": PYTHON + "import altair\n    return altair.Chart(table).mark_bar().encode(x='n', color=colour)"},
            r"x\.py: shows a column comparison that its rows do not have; there are n$",
        ),
    ],
)
def test_a_figure_that_cannot_be_shown_is_one_line(
    first_run: Path, tmp_path: Path, name: str, files: dict[str, str], message: str
) -> None:
    _own(tmp_path, name, **files)
    with closing(query.connect(first_run / "made.duckdb")) as con, pytest.raises(InputError, match=message) as caught:
        write_own_figures(con, tmp_path / "figures", tmp_path / "build" / "docs", "", [])
    assert "\n" not in str(caught.value) and not (tmp_path / "build").exists()


def test_a_page_that_is_there_twice_and_a_figure_that_is_nowhere_are_one_line(project: Path) -> None:
    own = project / "findings" / "swap.md"
    own.write_text("---\ntitle: Mine\norder: 3\n---\n# Mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"findings/swap.md: .*site_src/findings/swap.md is this page already"):
        _write(project)
    own.rename(own.with_name("mine.md")).write_text(
        '---\ntitle: Mine\norder: 3\n---\n# Mine\n\n{{ figure("nix", root) }}\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"findings/mine.md: there is no figure nix"):
        _write(project)


@pytest.mark.parametrize("name", ["Word", "1word", "word-length", "../x", "", "end_rank"])
def test_a_name_that_no_finding_can_have_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "site_src").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^\S* ?: .*(a letter first|take another)"):
        start(name)
    assert [path.name for path in tmp_path.iterdir()] == ["site_src"]


def test_a_change_reaches_open_pages_and_the_next_whole_report_has_it(project: Path) -> None:
    """An edited page, a fault in it and its mending, over HTTP, as `tds dev` does it."""
    preview = Preview(
        project / "made.duckdb", project / "site_src", project / "build/docs", project / "mkdocs.yml", project / "site"
    )
    development, page = Development(preview), project / "findings" / "word_length.md"
    text = page.read_text(encoding="utf-8")
    whole = (project / "site" / "words.html").stat().st_mtime_ns
    with dev_server(project / "site", port := free_port(), development) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert not development.look() and _asked(port, "/__tds_dev") == '{"version": 0, "message": ""}'
        page.write_text(text + "\nFirst edit.\n", encoding="utf-8")
        assert development.look() and "First edit." in _asked(port, "/findings/word_length.html")
        assert "__tds_dev" in _asked(port, "/findings/word_length.html")
        page.write_text(text + "\n{{ nix }}\n", encoding="utf-8")
        assert development.look() and "'nix' is undefined" in _asked(port, "/__tds_dev")
        (project / "site_src" / "assets" / "css" / "tds.css").write_text("body{}", encoding="utf-8")
        assert development.look() and "'nix' is undefined" in _asked(port, "/__tds_dev")  # still
        page.write_text(text + "\n[Second edit](nowhere.md).\n", encoding="utf-8")
        assert development.look() and "nowhere.md" in json.loads(_asked(port, "/__tds_dev"))["message"]
        assert "Second edit" in _asked(port, "/findings/word_length.html") and _asked(port, "/assets/css/tds.css") == "body{}"
        server.shutdown()
    assert (project / "site" / "words.html").stat().st_mtime_ns == whole
    assert "__tds_dev" not in (project / "site/findings/word_length.html").read_text(encoding="utf-8")
    page.write_text(text, encoding="utf-8")
    assert "edit" not in (_write(project) / "findings" / "word_length.md").read_text(encoding="utf-8")


def _asked(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().read().decode()
