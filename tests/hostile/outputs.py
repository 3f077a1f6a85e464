"""Outputs where something of the user's stands, and options that mean nothing."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile.case import CHECK, STORE, Case, Damage, both, nothing, put
from tests.hostile.seeds import REPORT, write_report

SITE = ("site", "-r", "report.yml")
PLACES: dict[str, dict[str, str]] = {  # outputs that are, hold or lie in what is not theirs
    "site": {"here": ".", "above": "..", "the root": "/", "home": "~", "a model": "base", "the pages": "site_src", "the prompts": "prompts.jsonl",
             "the report": "report.yml", "the build": "build/docs", "with the data": "data", "by a way round": "base/../site_src"},
    "database": {"the prompts": "prompts.jsonl", "the report": "report.yml", "the roles": "roles.yml", "a model": "base", "weights": "base/model.safetensors",
                 "in the site": "site/tds.duckdb", "in the build": "build/docs/tds.duckdb", "the answers": "answers.jsonl", "the settings": "mkdocs.yml", "a thesis": "thesis.tex"},
    "shards": {"the prompts": "prompts.jsonl", "in the site": "site/shards", "a thesis": "thesis.tex", "in the build": "build/docs/x"},
}  # fmt: skip
THESIS: dict[str, Damage] = {  # files of the user's where a run writes
    "a thesis in the site": lambda p: _file(p / "site/thesis.txt"),
    "a thesis deep in the site": lambda p: _file(p / "site/a/b/thesis.txt"),
    "a file for the site": lambda p: _file(p / "site"),
    "a thesis in the build": lambda p: _file(p / "build/docs/thesis.txt"),
    "a file for the build": lambda p: _file(p / "build/docs"),
    "views of another": lambda p: _file(p / "build/views.duckdb"),
    "navigation of another": lambda p: _file(p / "build/nav.yml"),
}
OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    **{f"port {port}": (("serve", "--port", port), "port") for port in ("0", "-1", "65536", "99999999999999999999")},
    **{f"part {part}": (("score", "-r", "report.yml", "--part", part), r"--part .*: expected NUMBER/COUNT")
       for part in ("5/4", "0/4", "1/0", "x", "1/", "/2", "1/2/3", "-1/2", "1.5/2", "", "²/4", "1/" + "9" * 9)
       if part != "1/" + "9" * 9},
    **{f"device {device}": (("score", "-r", "report.yml", "--device", device), "device")
       for device in ("tpu", "cuda", "cuda:99", "xpu", "mps", "", "cpu:x", "CPU", "meta", "cuda:-1", "a\x1b[2J")},
    "no site to serve": (("serve", "--site", "gone"), "gone: no site here yet"),
    "no site to publish": (("publish", "--site", "gone", "--dry-run"), "gone: no site here yet"),
    "a report that is gone": (("check", "gone.yml"), "gone.yml: cannot be read"),
    "a folder as report": (("check", "base"), "base: cannot be read: not a file"),
    "a database that is gone": (("query", "FROM tds", "--db", "gone.duckdb"), "gone.duckdb"),
    "a folder as database": (("query", "FROM tds", "--db", "base"), "base"),
    "no query": (("query",), "give one of"),
    "two queries": (("query", "FROM tds", "--list"), "give one of"),
    "an unknown saved query": (("query", "-s", "../../thesis"), "no saved query"),
    "Parquet to the screen": (("query", "FROM tds", "-f", "parquet"), "--output"),
    "rows over the database": (("query", "FROM tds", "-o", "data/tds.duckdb"), "is a database"),
    "rows into a folder": (("query", "FROM tds", "-o", "base"), "is not a file"),
    "rows below a file": (("query", "FROM tds", "-o", "thesis.tex/a.csv"), "thesis.tex"),
    "rows into a folder that is gone": (("query", "FROM tds", "-o", "gone/a.csv"), "gone"),
    "an export over a file": (("export", "thesis.tex"), "thesis.tex"),
    "an export over a folder": (("export", "base"), "base"),
    "an export here": (("export", "."), r"\."),
    "an export below a file": (("export", "thesis.tex/x"), "thesis.tex"),
    "a new project over a file": (("init", "thesis.tex"), "thesis.tex"),
    "a new project here": (("init", "."), "not empty"),
    "a new project below a file": (("init", "thesis.tex/x"), "thesis.tex"),
    "an empty question": (("show", "", "-r", "report.yml"), "."),
    "a NUL in a database": (("site", "--db", "base/config.json"), "base/config.json"),
    "half a character in a question": (("show", "a\udc80", "-r", "report.yml"), "half a character"),
    "an unknown comparison": (("show", "Hi", "-r", "report.yml", "--comparison", "gone"), "gone"),
    "a long question": (("show", "blue " * 3000, "-r", "report.yml"), "positions|tokens"),
    "a database in the site": (("site", "--db", "site/tds.duckdb"), "site"),
}  # fmt: skip
PUBLISH: dict[str, tuple[tuple[str, ...], str]] = {
    "a zip over a thesis": (("publish", "--zip", "thesis.tex"), "thesis.tex: not a zip of a site"),
    "a zip over another zip": (("publish", "--zip", "thesis.zip"), "thesis.zip: not a zip of a site"),
    "a zip over a folder": (("publish", "--zip", "base"), "base"),
    "a zip in the site": (("publish", "--zip", "site/a.zip"), "site/a.zip: is in the site"),
    "a zip below a file": (("publish", "--zip", "thesis.tex/a.zip"), "thesis.tex"),
    "a zip over the database": (("publish", "--zip", "data/tds.duckdb"), "not a zip of a site"),
    "a zip over a page": (("publish", "--zip", "site/index.html"), "is in the site"),
    "two ways": (("publish", "--zip", "a.zip", "--hf", "a/b"), "either --zip or --hf"),
    "no repository": (("publish", "--dry-run"), "git remote"),
    "an option as remote": (("publish", "--dry-run", "--remote", "--upload-pack=touch thesis"), "git remote"),
    "a dry zip over a thesis": (("publish", "--dry-run", "--zip", "thesis.tex"), "thesis.tex: not a zip"),
}
LOOPS: dict[str, tuple[str, tuple[str, ...]]] = {  # links that lead to themselves
    "database": ("loop.duckdb", ("query", "FROM tds", "--db", "loop.duckdb")),
    "a site's database": ("loop.duckdb", ("site", "--db", "loop.duckdb")),
    "an export": ("loop", ("export", "loop")),
    "a zip": ("loop.zip", ("publish", "--zip", "loop.zip")),
    "a site": ("loop", ("serve", "--site", "loop")),
    "a project": ("loop", ("init", "loop")),
    "rows": ("loop.csv", ("query", "FROM tds", "-o", "loop.csv")),
    "a model": ("base/config.json", CHECK),
}


def cases() -> Iterator[Case]:
    for key, places in PLACES.items():
        for name, place in places.items():
            for command in (CHECK, SITE):
                what = f"{key} {name}: {command[0]}"
                yield Case("outputs", what, _output(key, place), command, line=rf"output\.{key}|thesis.tex")
    for name, damage in THESIS.items():
        for command in (STORE, SITE):
            yield Case("outputs", f"{name}: {command[0]}", damage, command, line="(site|build)", seed="plain")
    for name, (command, line) in OPTIONS.items():
        seed = "plain" if re.match("device (cuda|xpu|mps)", name) else "built" if line == "port" else "measured"
        yield Case("options", name, nothing, command, line=line, seed=seed)
    for name, (command, line) in PUBLISH.items():
        yield Case("options", name, _zip, command, line=line, seed="built")
    for name, (path, command) in LOOPS.items():
        yield Case(
            "options",
            f"a link to itself: {name}",
            _loop(path),
            command,
            line=path.split(".")[0].split("/")[0],
            seed="built",
            either=name in ("a zip", "rows"),
        )
    for key, name in (("site", "loop"), ("database", "loop"), ("shards", "loop")):
        yield Case(
            "outputs",
            f"{key} a link to itself",
            both(_loop(name), _output(key, name)),
            STORE,
            line="loop",
            either=key == "database",
        )
    for name in ("site_src", "mkdocs.yml"):
        yield Case(
            "options", f"no {name}", _gone(name), ("site", "--db", "data/tds.duckdb"), line=name, seed="measured"
        )
    yield Case(
        "options",
        "settings of another",
        put("mkdocs.yml", "site_name: [\n"),
        ("site", "--db", "data/tds.duckdb"),
        line="mkdocs.yml",
        seed="measured",
        seconds=60,
    )


def _output(key: str, place: str) -> Damage:
    def damage(project: Path) -> None:
        output: dict[str, Any] = {**REPORT["output"], key: place}
        write_report(project, REPORT | {"output": output})

    return damage


def _file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("years of work", encoding="utf-8")


def _zip(project: Path) -> None:
    with zipfile.ZipFile(project / "thesis.zip", "w") as archive:
        archive.writestr("thesis.txt", "years of work")


def _loop(name: str) -> Damage:
    def damage(project: Path) -> None:
        (project / name).unlink(missing_ok=True)
        (project / name).symlink_to(Path(name).name)

    return damage


def _gone(name: str) -> Damage:
    def damage(project: Path) -> None:
        (project / name).rename(project / f"{name}.thesis")

    return damage
