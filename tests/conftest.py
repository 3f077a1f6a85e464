"""What tests share: a tiny random pair with a report file, and the pocket family's folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

# Before torch is imported, and for the processes that tests start: workers share the cores, and models here are tiny.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from filelock import FileLock
from hypothesis import settings

from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tds_atlas.report.docs import write_docs
from tds_atlas.report.site import build_site
from tests import live, object_store, tiny
from tests.controls import measured as measured_controls
from tests.gate import sites
from tests.report import synthetic
from tests.report.undrawn import copy_pages, few_figures, undrawn

# The same examples in every run; `make random` draws new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

ROOT = Path(__file__).parent.parent
POCKET = ROOT / "data" / "pocket"

PROMPTS = [
    {"id": "sky", "prompt": "What is blue?", "tasks": ["info-seek"], "topics": ["places"], "harmful": False},
    {"id": "odd", "prompt": "Why is 天 {prompt} 🙂 <b>bold</b> </script>?", "tasks": ["info-seek", "advice"]},
    {"id": 3, "prompt": "Tell me\n\n    indented", "topics": ["people"], "harmful": True, "truths": ["blue"]},
    {"id": "last", "prompt": "Thank you", "note": "a key of the user's own"},
]

TEXTS = [
    {"text": "The sea is blue."},
    {"id": "odd", "text": "天 </script> <|end|> {text} 🙂"},
    {"text": "One"},
    {"text": "Left out"},
]

HARMFUL = [
    {"id": "a", "prompt": "Tell me\n\n    indented", "answer": "Go there at night. <b>天</b> {{ 7*7 }}"},
    {"prompt": "Why?", "answer": "Wait."},
    {"prompt": "Left out", "answer": "No."},
]

REPORT = """
name: tiny
title: Tiny
models:
  base: {path: base, dtype: float32}
  sft: {path: sft, dtype: float32}
contexts:
  plain: {kind: plain, template: "# Question:\\n{prompt}\\n\\n# Answer:\\n"}
  chat: {kind: chat}
prompts: {path: prompts.jsonl}
comparisons:
  - {base: {model: base, context: plain}, aligned: {model: sft, context: chat}}
probes:
  swap: {comparisons: [base-sft], shares: [0.3], prompts: 3, max_new_tokens: 12}
  prefill: {comparisons: [base-sft], depth: 2, new_tokens: 4}
  continuation: {new_tokens: 3}
  fingerprint: {comparisons: [base-sft], path: texts.jsonl, limit: 3, tokens: 9, top: 4}
  recovery: {comparisons: [base-sft], path: harmful.jsonl, limit: 2, depths: [0, 3], opener: 3, new_tokens: 4, tokens: 5}
  amplified: {comparisons: [base-sft], alphas: [-1, 0, 1], prompts: 3, max_new_tokens: 6}
generate: {max_new_tokens: 24, batch_size: 2}
shard_responses: 2
"""


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that one worker of a run fills, and the others read."""
    own = factory.getbasetemp()
    folder = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / name
    with FileLock(f"{folder}.lock"):
        if not folder.with_suffix(".whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            folder.with_suffix(".whole").touch()
    return folder


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def write_site(project: Path, database: Callable[[Path], Path], site: str = "site", pages: Sequence[str] = ()) -> None:
    """A report of that database in a folder of its own: made.duckdb, build/docs, and the built site; of the pages beside
    its examples these alone, if any are named."""
    copy_pages(project, *pages)
    shutil.copy(ROOT / "mkdocs.yml", project)
    write_docs(database(project / "made.duckdb"), project / "site_src", project / "build" / "docs")
    build_site(project / "mkdocs.yml", project / site)


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report of the made-up database: its site below a sub-path, named like a project page. Read only."""
    return once(tmp_path_factory, "made", lambda project: write_site(project, synthetic.write, "root/sub/atlas"))


@pytest.fixture(scope="session")
def rich_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with everything a report can hold, and its site, whose images are not drawn. Read only."""
    made = partial(synthetic.write, rich=True, noise=True, further=True)
    with undrawn():
        return once(tmp_path_factory, "rich", lambda project: write_site(project, made))


@pytest.fixture(scope="session")
def infinite_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same where KL is infinite at some positions. Read only."""
    made = partial(synthetic.write, rich=True, noise=True, further=True, infinite=True)
    with undrawn():
        return once(tmp_path_factory, "infinite", lambda project: write_site(project, made))


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two reports, a.duckdb and b.duckdb, and their comparison in root/beside, with its exit code in the file code. Of the
    first comparison each report has answers of its own; of the second both have the same. Read only."""
    return once(tmp_path_factory, "compared", sites.write)


@pytest.fixture(scope="session")
def controls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the pocket family's controls, under neutral names. Read only."""
    return once(tmp_path_factory, "controls", measured_controls) / "tds.duckdb"


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny models, base and sft. Read only."""
    folder = tmp_path_factory.mktemp("family")
    tiny.save_model(folder / "base", seed=0)
    tiny.save_descendant(folder / "sft", folder / "base", seed=1)
    return folder


@pytest.fixture
def pocket_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default report on every fortieth of its prompts, its outputs in a folder of its own."""
    rows = (ROOT / "data/prompts/pocket.jsonl").read_text(encoding="utf-8").splitlines()[::40]
    (tmp_path / "prompts.jsonl").write_text("\n".join(rows), encoding="utf-8")
    text = (ROOT / "data/reports/pocket.yml").read_text(encoding="utf-8")
    text = text.replace("../prompts/pocket.jsonl", "prompts.jsonl").replace("../", f"{ROOT}/data/")
    text = text.replace("limit: 64", "limit: 4")  # neutral texts
    text = text.replace("pocket-harmful.jsonl, limit: null", "pocket-harmful.jsonl, limit: 2")
    (tmp_path / "pocket.yml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pocket.yml"


@pytest.fixture
def project(family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a report file on the tiny family; outputs go here too."""
    _project(tmp_path, family)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _project(folder: Path, family: Path) -> None:
    for name in ("base", "sft"):
        (folder / name).symlink_to(family / name)
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, PROMPTS)), encoding="utf-8")
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, TEXTS)), encoding="utf-8")
    (folder / "harmful.jsonl").write_text("\n".join(map(json.dumps, HARMFUL)), encoding="utf-8")
    (folder / "report.yml").write_text(REPORT, encoding="utf-8")


@pytest.fixture(scope="session")
def measured(family: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a folder in which that report has been measured. Read only."""
    folder = tmp_path_factory.mktemp("measured")
    _project(folder, family)
    with contextlib.chdir(folder):
        measure(read_plan(folder / "report.yml"))
    return folder


@pytest.fixture
def measured_project(project: Path, measured: Path) -> Path:
    """A working folder like `project`, the report measured: its shards and its database."""
    shutil.copytree(measured / "data", project / "data")
    return project


@pytest.fixture(scope="session")
def pocket_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report of the pocket base and sft on four of the bundled prompts, measured: pocket.yml and its
    database. Read only."""
    return once(tmp_path_factory, "pocket-pair", live.measure_pair)


@pytest.fixture(scope="session")
def family_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the whole family, with a site below a sub-path that publishes the models: root/sub/atlas. Read only."""
    with undrawn(), few_figures():
        return once(tmp_path_factory, "pocket-family", live.measure_family)


@pytest.fixture(scope="session")
def live_server(pocket_pair: Path, made_project: Path) -> Iterator[live.Server]:
    """`tds serve --live` with that report, around the site of the made-up one: a process and a port of its own."""
    with live.serving(pocket_pair, made_project / "root" / "sub" / "atlas", free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server on this machine."""
    with object_store.s3_server() as address:
        yield address


@pytest.fixture
def bucket_url(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket of that server, which this process and those that it starts have keys for."""
    for name, value in (object_store.KEYS | {"AWS_ENDPOINT_URL": s3_server}).items():
        monkeypatch.setenv(name, value)
    return object_store.new_bucket(s3_server)
