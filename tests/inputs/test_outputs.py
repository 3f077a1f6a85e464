"""Outputs that are, hold or lie in what must be kept are refused by one line, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.plan import read_plan
from tests.conftest import REPORT


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("{database: prompts.jsonl}", "output.database: prompts.jsonl is prompts.path"),
        ("{database: ./data/../prompts.jsonl}", "output.database: data/../prompts.jsonl is prompts.path"),
        ("{database: PROMPTS.jsonl}", "output.database: PROMPTS.jsonl is prompts.path"),
        ("{database: link.duckdb}", "output.database: link.duckdb is prompts.path"),
        ("{database: report.yml}", "output.database: report.yml is the report file"),
        ("{database: base}", "output.database: base is models.base.path"),
        ("{site: base}", "output.site: base is models.base.path"),
        ("{site: mine}", "output.site: mine holds roles.path"),
        ("{site: .}", "output.site: . holds the report file"),
        ("{shards: .}", "output.shards: . holds the report file"),
        ("{site: data/..}", "output.site: data/.. holds the report file"),
        ("{site: /}", "output.site: / holds the report file"),
        ("{site: '~'}", r"output.site: .* is the home folder"),
        ("{site: home-link}", "output.site: home-link is the home folder"),
        ("{site: site_src}", "output.site: site_src is the site's pages"),
        ("{database: mkdocs.yml}", "output.database: mkdocs.yml is the site's settings"),
        ("{site: build}", "output.site: build holds the folder of pages"),
        ("{database: build/views.duckdb}", "output.database: build/views.duckdb is the pages' views"),
        ("{site: data}", r"output.(shards|database): data/\S+ is in output.site \(data\), which is replaced"),
        ("{site: data/tds.duckdb}", r"output.database: data/tds.duckdb is in output.site"),
        ("{shards: data/tds.duckdb}", r"output.shards: data/tds.duckdb is in output.database"),
        ("{shards: build/docs/shards}", r"output.shards: build/docs/shards is in the folder of pages \(build/docs\)"),
    ],
)
def test_an_output_that_would_take_something_away_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, output: str, message: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    (project / "home-link").symlink_to(home)
    (project / "link.duckdb").symlink_to("prompts.jsonl")
    (project / "mine").mkdir()
    (project / "mine/roles.yml").write_text("safety: []\nstyle: []\n", encoding="utf-8")
    text = f"{REPORT}roles: {{path: mine/roles.yml}}\noutput: {output}\n"
    (project / "report.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"^report.yml: {message}.*; name another( place)?$"):
        read_plan(Path("report.yml"))


@pytest.mark.parametrize(
    "output", ["{}", "{site: ../site, shards: ../shards, database: ../tds.duckdb}", "{database: data/shards.duckdb}"]
)
def test_other_places_are_taken(project: Path, output: str) -> None:
    (project / "report.yml").write_text(f"{REPORT}output: {output}\n", encoding="utf-8")
    assert read_plan(Path("report.yml")).report.output
