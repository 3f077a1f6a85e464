"""Pages quote what the findings answer: the first sentence on the home page, all of it in a summary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tds_atlas.domain import InputError
from tds_atlas.report.answers import answer_lines, first_sentence, plain
from tds_atlas.report.pages import PARTS, read_pages
from tds_atlas.report.summary import check_summary, write_summary
from tests.conftest import ROOT

PAGE = """# T\n\n<p class="tds-answer-line"><br>In <b>a&#46; B</b>, 17.5 % of
the <a href="x.html">tokens</a> (1.5–2.5) are shifted. More is said. <br>In <b>c</b>, none.</p>\n<p>Other.</p>"""


def test_the_first_sentence_ends_where_it_does() -> None:
    assert first_sentence(PAGE) == "In <b>a&#46; B</b>, 17.5 % of the tokens (1.5–2.5) are shifted."
    assert first_sentence("# No answer here") == ""
    assert [plain(line) for line in answer_lines(PAGE)] == [
        "In **a. B**, 17.5 % of the tokens (1.5–2.5) are shifted. More is said.",
        "In **c**, none.",
    ]
    assert plain("<b>*x* &lt;i&gt; [y](z) | `w`</b>") == r"**\*x\* \<i\> \[y\](z) \| \`w\`**"


def test_home_quotes_each_finding_in_the_order_of_the_story(rich_project: Path) -> None:
    docs = rich_project / "build" / "docs"
    home = (docs / "index.md").read_text(encoding="utf-8")
    pages = {
        page.file: page for page in read_pages(ROOT / "site_src") if (docs / page.file).is_file() and page.is_finding
    }
    quoted = dict(re.findall(r'<a href="(findings/[\w-]+)\.html"><b>[^<]*</b><span>(.*?)</span></a>', home))
    assert quoted.keys() == {file.removesuffix(".md") for file in pages}
    navigation = yaml.safe_load((docs.parent / "nav.yml").read_text(encoding="utf-8"))["nav"]
    (told,) = [entry["Findings"] for entry in navigation if "Findings" in entry]
    assert [file for page in told for file in page.values()] == [
        "findings/index.md",
        *(f"{file}.md" for file in quoted),
    ]
    for file, page in pages.items():
        sentence = first_sentence((docs / file).read_text(encoding="utf-8"))
        assert sentence and quoted[file.removesuffix(".md")] == sentence, file
        assert page.part in PARTS
    assert [title for title in re.findall(r"^## (.+)$", home, re.MULTILINE) if title in PARTS.values()] == [
        title for part, title in PARTS.items() if part in {page.part for page in pages.values()}
    ]


def test_a_summary_has_every_answer_and_replaces_only_a_summary(rich_project: Path, tmp_path: Path) -> None:
    docs, path = rich_project / "build" / "docs", tmp_path / "summary.md"
    for _ in range(2):  # the second replaces the first
        check_summary(path, docs)
        write_summary(rich_project / "made.duckdb", rich_project / "site_src", docs, path)
    text = path.read_text(encoding="utf-8")
    for page in read_pages(ROOT / "site_src"):
        if page.is_finding and (docs / page.file).is_file():
            for line in answer_lines((docs / page.file).read_text(encoding="utf-8")):
                assert f"\n- {plain(line)}\n" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.count(" | ") for line in rows}) == 1 and len(rows) > 3
    other = tmp_path / "README.md"
    other.write_text("# Mine\n", encoding="utf-8")
    for place, why in (
        (other, "not a summary that tds wrote"),
        (docs / "x.md", "which is emptied"),
        (tmp_path, "not a"),
    ):
        with pytest.raises(InputError, match=why):
            check_summary(place, docs)
    assert other.read_text(encoding="utf-8") == "# Mine\n"
