"""A run whose shards are in a bucket: killed, resumed, doubled, damaged, refused; the tables are those of a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline import steps
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tds_atlas.record.bucket import Bucket, bucket_at
from tests.command import Started
from tests.conftest import REPORT
from tests.object_store import KEYS, Gate, new_bucket, strangers_refused
from tests.pipeline.test_resume import content

KINDS = {"cards", "responses", "scores", "swap", "prefill", "continuation", "fingerprint", "recovery", "harmful_answer", "amplified"}


def report(project: Path, name: str, url: str) -> Path:
    """A report file like the project's, its shards in the bucket and its database beside it."""
    path = project / f"{name}.yml"
    path.write_text(f"{REPORT}output: {{shards: '{url}', database: {name}.duckdb}}\n", encoding="utf-8")
    return path


def started(*args: str) -> Started:
    """The command with this process's environment, where the bucket's keys are."""
    return Started(*args, env=os.environ)


def indexes(url: str) -> set[str]:
    return {name for name in Bucket(url).names("") if name.endswith("/index.json")}


@pytest.fixture
def whole(measured_project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """The tables of a run whose shards are in a folder."""
    project = measured_project
    (project / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(project / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield content(project / "data/tds.duckdb")
    assert not list((project / "temporary").rglob("*.parquet")), "copies of a bucket's tables are not left behind"


def test_killed_runs_resume_to_the_tables_of_a_folder(project: Path, whole: dict, bucket_url: str) -> None:
    """kill -9 in the middle of writing the first shard, then after the second one."""
    report(project, "far", bucket_url)
    for met in (lambda: Bucket(bucket_url).names(""), lambda: len(indexes(bucket_url)) > 1):
        run = started("store", "-r", "far.yml")
        while run.poll() is None and not met():
            time.sleep(0.002)
        assert run.poll() is None, "killed in time"
        run.send_signal(signal.SIGKILL)
        run.wait()
    done = indexes(bucket_url)
    assert 1 < len(done) < 9 and Bucket(bucket_url).names("") - done
    assert started("store", "-r", "far.yml").wait() == 0
    assert content(project / "far.duckdb") == whole
    names = Bucket(bucket_url).names("")
    assert {name.split("/")[0] for name in names} == KINDS
    local = [path for path in (project / "data/shards").rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(names) == len(local), "what the killed ones left is gone"


def test_two_runs_at_once_make_one_set_of_shards(project: Path, whole: dict, bucket_url: str) -> None:
    for name in ("one", "two"):
        report(project, name, bucket_url)
    runs = [started("store", "-r", f"{name}.yml") for name in ("one", "two")]
    assert [run.wait() for run in runs] == [0, 0]
    assert content(project / "one.duckdb") == content(project / "two.duckdb") == whole
    assert len(Bucket(bucket_url).names("")) == len(list((project / "data/shards").rglob("*.*")))


def test_damaged_objects_are_named_and_measured_anew_in_the_same_run(
    project: Path, whole: dict, bucket_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = report(project, "far", bucket_url)
    measure(read_plan(path))
    bucket, damaged = Bucket(bucket_url), []
    for kind, table in (("responses", "response"), ("scores", "score"), ("swap", "swap"), ("cards", "token")):
        name = min(name for name in bucket.names(kind) if f"/{table}-" in name)
        changed = bytearray(bucket.get(name) or b"")
        changed[len(changed) // 2] ^= 16
        bucket.put(name, bytes(changed))
        damaged.append(name)
    (project / "far.duckdb").unlink()
    bucket_at.cache_clear()
    capsys.readouterr()
    measure(read_plan(path))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.endswith("; it is measured anew")]
    assert sorted(lines) == sorted(f"{bucket_url}/{name}: damaged; it is measured anew" for name in damaged)
    assert content(project / "far.duckdb") == whole


def test_a_finished_run_is_repeated_without_torch_from_another_folder(
    project: Path, whole: dict, bucket_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Another machine stores what this one measured."""
    measure(read_plan(report(project, "far", bucket_url)))
    there = tmp_path_factory.mktemp("there")
    for name in ("base", "sft", "prompts.jsonl", "texts.jsonl", "harmful.jsonl", "far.yml"):
        (there / name).symlink_to(project / name)
    hidden = "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
    run = "from pathlib import Path; from tds_atlas.pipeline import plan, steps; steps.measure(plan.read_plan(Path('far.yml')))"
    subprocess.run([sys.executable, "-c", hidden + run], cwd=there, check=True)
    assert content(there / "far.duckdb") == whole


def refusal(verb: str, name: str) -> str:
    """All that a run says which must end at once."""
    run = started(verb, "-r", f"{name}.yml")
    out, err = run.communicate()
    assert (run.returncode, out) == (2, "")
    return err


def test_a_bucket_that_refuses_is_one_line_before_anything_is_measured(
    project: Path, s3_server: str, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = new_bucket(s3_server).replace("made", "never-made")
    for name, url in (("far", bucket_url), ("gone", gone)):
        report(project, name, url)
    line = f"{gone}: no such bucket; create it, or name another in output.shards"
    assert refusal("store", "gone") == f"tds: {line}\n"
    plan = read_plan(project / "gone.yml")
    for step in (steps.generate, steps.score, lambda plan: list(check(plan))):
        with pytest.raises(InputError, match=f"^{line}$"):
            step(plan)
    with strangers_refused():
        said = refusal("check", "far")
    assert said.startswith(f"tds: {bucket_url}: refused (InvalidAccessKeyId: ") and said.count("\n") == 1
    assert not any(key in said for key in KEYS.values() if key != KEYS["AWS_REGION"])
    denied = (403, "<Error><Code>AccessDenied</Code></Error>")
    monkeypatch.setenv("AWS_ENDPOINT_URL", Gate(s3_server, repeat(denied), only="PUT").address)
    *_, said = refusal("store", "far").splitlines()  # it may be listed, but not written
    assert said.startswith(f"tds: {bucket_url}: refused (AccessDenied); look at the environment's keys")
    assert not (project / "data").exists() and not indexes(bucket_url)


def test_no_key_is_kept(project: Path, bucket_url: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Neither in the database nor in an object, nor in what is said."""
    measure(read_plan(report(project, "far", bucket_url)))
    objects = [bytes(Bucket(bucket_url).get(name) or b"") for name in Bucket(bucket_url).names("")]
    for text in (*capfdbinary.readouterr(), (project / "far.duckdb").read_bytes(), *objects):
        assert all(os.environ[name].encode() not in text for name in KEYS if "KEY" in name)
