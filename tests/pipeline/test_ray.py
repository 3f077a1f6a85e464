"""The runner ray on Ray itself, two actors on this machine: `make ray` installs it and runs these (three minutes)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tests.conftest import PROMPTS, REPORT
from tests.pipeline.test_resume import content

pytestmark = pytest.mark.ray

_SECONDS = 240  # that a run on Ray may take on a busy machine
_OUTPUT = "output: {shards: two/shards, database: two/tds.duckdb}\n"
SECRET = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64, "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster with two CPUs, which asks for a token."""
    port, folder = 26379, tmp_path_factory.mktemp("ray")
    start = f"start --head --block --port {port} --num-cpus 2 --include-dashboard false --object-store-memory 80000000"
    with (folder / "log").open("w") as log:
        head = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", *start.split(), "--node-ip-address", "127.0.0.1"],
            env=os.environ | SECRET,
            stdout=log,
            stderr=log,
        )
    wait_until(lambda: head.poll() is not None or "Ray runtime started" in (folder / "log").read_text())
    assert head.poll() is None, (folder / "log").read_text()
    yield f"127.0.0.1:{port}"
    processes = psutil.Process(head.pid).children(recursive=True)
    head.terminate()
    head.wait(60)
    for process in psutil.wait_procs(processes, timeout=20)[1]:
        process.kill()


@pytest.fixture
def many(project: Path) -> dict[str, list[tuple]]:
    """Sixteen prompts, most of them in shards of two; the tables of a run in this process."""
    rows = [row | {"id": f"r{i}", "prompt": f"{row['prompt']} {i}"} for i, row in enumerate(PROMPTS * 4)]
    (project / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    measure(read_plan(project / "report.yml"))
    return content(project / "data/tds.duckdb")


def on_ray(project: Path, settings: str, *changes: tuple[str, str]) -> str:
    """A report like the project's, on Ray, with outputs of its own."""
    text = REPORT + _OUTPUT + f"runner: {{kind: ray, {settings}}}\n"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (project / "ray.yml").write_text(text, encoding="utf-8")
    return "ray.yml"


def started(*args: str) -> subprocess.Popen[str]:
    run = [sys.executable, "-m", "tds_atlas", *args]
    return subprocess.Popen(run, stderr=subprocess.PIPE, text=True, env=os.environ | SECRET, start_new_session=True)


def run(*args: str) -> tuple[int, list[str]]:
    """Exit code and lines on the error stream of a `tds`."""
    process = started(*args)
    said = process.communicate(timeout=_SECONDS)[1]
    return process.returncode, said.splitlines()


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + _SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def actors() -> list[int]:
    """The processes that measure something at this moment."""
    return [p.pid for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [""])[0] == "ray::Actor.measure"]


def finished(kind: str) -> int:
    return len(list(Path("two/shards", kind).glob("[!.]*")))


def leftovers() -> list[Path]:
    return list(Path("two").rglob("*.part"))


def test_two_actors_make_the_same_tables_and_ray_itself_is_silent(project: Path, many: object) -> None:
    """On a cluster of this run alone, which is gone with it."""
    code, lines = run("store", "-r", on_ray(project, "actors: 2"))
    assert code == 0, lines
    assert content(project / "two/tds.duckdb") == many
    cores = os.cpu_count()
    assert lines[0] == f"ray: actors: 2, each of 1 CPU; the cluster has ({cores} CPU)"
    assert [line.split()[:3] for line in lines[1:4]] == [[name, "on", "ray"] for name in ("generate", "score", "probe")]
    assert lines[4].split()[0] == "store" and len(lines) == 5
    assert not actors() and not leftovers()


def test_two_actors_write_their_shards_into_a_bucket(project: Path, many: object, bucket_url: str) -> None:
    """The actors have the bucket's keys from the environment of their machine."""
    report = on_ray(project, "actors: 2", ("shards: two/shards", f"shards: '{bucket_url}'"))
    code, lines = run("store", "-r", report)
    assert code == 0, lines
    assert content(project / "two/tds.duckdb") == many and not (project / "two/shards").exists()
    code, lines = run("store", "-r", report)
    assert code == 0 and not [line for line in lines if " on ray" in line], lines  # nothing is measured twice


def test_an_actor_killed_in_the_middle_makes_the_same_tables(project: Path, many: object, cluster: str) -> None:
    process = started("store", "-r", on_ray(project, f"actors: 2, address: '{cluster}'"))
    wait_until(lambda: finished("responses") and actors())
    os.kill(actors()[0], signal.SIGKILL)
    wait_until(lambda: finished("scores") and actors())
    os.kill(actors()[-1], signal.SIGKILL)
    said = process.communicate(timeout=_SECONDS)[1]
    assert process.returncode == 0, said
    assert said.count("an actor died (") == 2 and said.count("its work goes to another") == 2
    assert content(project / "two/tds.duckdb") == many
    assert not leftovers()


def test_what_the_cluster_cannot_meet_is_refused_at_once(project: Path, cluster: str) -> None:
    begin = time.monotonic()
    code, lines = run("store", "-r", on_ray(project, f"gpus: 1, address: '{cluster}'"))
    line = "tds: runner: no machine has room for an actor of 1 CPU, 1 GPU; the cluster has (2 CPU)"
    assert (code, lines[-1]) == (2, line)
    code, lines = run("store", "-r", on_ray(project, f"actors: 3, address: '{cluster}'"))
    assert (code, lines[-1]) == (2, "tds: runner: room for 2 of 3 actors of 1 CPU; the cluster has (2 CPU)")
    code, lines = run("store", "-r", on_ray(project, "address: '127.0.0.1:9'"))
    assert (code, lines[-1]) == (2, "tds: runner: no Ray at 127.0.0.1:9: [Errno 111] Connection refused")
    assert time.monotonic() - begin < 120 and not finished("responses")


def test_a_check_says_what_the_cluster_has_and_how_long_it_takes(project: Path, cluster: str) -> None:
    """And is refused, as the run would be, what cannot be met; nothing is measured."""

    def said(settings: str) -> tuple[int, str, str]:
        report = on_ray(project, f"{settings}, address: '{cluster}'")
        command = [sys.executable, "-m", "tds_atlas", "check", report]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | SECRET, timeout=_SECONDS)
        return done.returncode, done.stdout, done.stderr

    code, lines, errors = said("actors: 2")
    assert (code, errors) == (0, ""), errors
    assert f"  ray at {cluster}: (2 CPU); " in lines and "; free now: 2 of 2 CPU\n" in lines
    assert "    actors: 2, each of 1 CPU; room for 2\n" in lines
    assert "    about a minute on it, by one actor's speed now and without their start" in lines
    code, _, errors = said("actors: 3")
    assert (code, errors) == (2, "tds: runner: room for 2 of 3 actors of 1 CPU; the cluster has (2 CPU)\n")
    assert not finished("responses")


def test_without_its_token_a_cluster_is_not_used(project: Path, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRET, "RAY_AUTH_TOKEN", "b" * 64)
    code, lines = run("generate", "-r", on_ray(project, f"address: '{cluster}'"))
    assert (
        code == 2
        and len(lines) == 1
        and lines[0].startswith(f"tds: runner: no Ray at {cluster}: it wants another token")
    )


def test_an_actor_that_always_dies_is_not_tried_for_ever(project: Path, cluster: str) -> None:
    """Whoever touches a shard is killed: after two tries each, every shard is given up."""
    process = started("generate", "-r", on_ray(project, f"actors: 2, retries: 1, address: '{cluster}'"))

    def ended() -> bool:
        for pid in actors():
            os.kill(pid, signal.SIGKILL)
        return process.poll() is not None

    wait_until(ended)
    lines = process.stderr.read().splitlines() if process.stderr else []
    assert process.returncode == 2
    assert "/responses/" in lines[-1] and ": 2 actors died over it, the last: " in lines[-1], lines
    assert "finished shards are kept" in lines[-1] and sum("an actor died (" in line for line in lines) == 2


def test_interrupted_it_leaves_nothing_half_written_and_no_process(project: Path, many: object, cluster: str) -> None:
    """Ctrl+C reaches the whole group of processes, as from a terminal; the next run goes on."""
    report = on_ray(project, f"actors: 2, address: '{cluster}'")
    process = started("store", "-r", report)
    wait_until(lambda: finished("scores") and actors())
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=_SECONDS)[1]
    assert (process.returncode, said.splitlines()[-1]) == (130, "tds: interrupted; finished work is kept")
    assert "Traceback" not in said
    wait_until(lambda: not actors())
    for shard in Path("two/shards").glob("*/[!.]*"):
        assert (shard / "index.json").exists()
    before = finished("scores")
    assert run("store", "-r", report)[0] == 0 and before < finished("scores")
    assert content(project / "two/tds.duckdb") == many and not leftovers()


def test_errors_of_one_shard_and_damaged_shards_are_as_in_one_process(project: Path, cluster: str) -> None:
    """A prompt that is too long fails its own shard; a damaged shard is named and measured anew."""
    rows = [*PROMPTS, {"id": "long", "prompt": "blue " * 1000}]
    (project / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = on_ray(project, f"actors: 2, address: '{cluster}'")
    code, lines = run("store", "-r", report)
    assert code == 2 and lines[-1].startswith("tds: prompt 'long': ") and finished("responses") == 2
    report = on_ray(project, f"actors: 2, address: '{cluster}'", ("prompts.jsonl", "prompts.jsonl, leave_out: [long]"))
    assert run("store", "-r", report)[0] == 0
    before = content(project / "two/tds.duckdb")
    damaged = next(Path("two/shards/scores").rglob("score.parquet"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100] + b"xyz" + whole[103:])  # only who reads it all will notice
    for folder in Path("two/shards/continuation").iterdir():
        folder.rename(folder.with_name(f".{folder.name}"))  # what reads the scores
    Path("two/tds.duckdb").unlink()
    code, lines = run("store", "-r", report)
    assert code == 0 and f"{damaged}: damaged; it is measured anew" in lines
    assert content(project / "two/tds.duckdb") == before


def test_a_part_is_measured_in_this_process_whatever_the_runner(project: Path) -> None:
    report = on_ray(project, "address: '127.0.0.1:9'")
    for part in ("1/2", "2/2"):
        code, lines = run("generate", "-r", report, "--part", part)
        assert code == 0 and not any("ray" in line for line in lines)
    assert finished("responses") == 2
