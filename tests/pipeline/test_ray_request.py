"""The runner ray without a cluster: its settings, whether there is room, when it speaks, and that nobody else needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.report_file import read_report
from tds_atlas.inputs.runner_settings import RaySettings
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.runners.ray_check import cluster_lines
from tds_atlas.pipeline.runners.ray_cluster import count_actors
from tds_atlas.pipeline.runners.units import STEPS, missing_units, shards_of
from tds_atlas.pipeline.runners.watchdog import Watchdog
from tds_atlas.pipeline.steps import measure
from tds_atlas.record.shards import Shard
from tds_atlas.terminal import listening
from tests.command import tds
from tests.conftest import REPORT


def machine(alive: bool = True, labels: dict[str, str] | None = None, **resources: float) -> dict[str, Any]:
    """A row of ray.nodes(), with what Ray adds for itself."""
    own = {"node:10.0.0.1": 1.0, "memory": 2e10, "object_store_memory": 1e8}
    return {"Alive": alive, "Resources": own | resources, "Labels": {"ray.io/node-id": "ab"} | (labels or {})}


A100 = machine(CPU=32, GPU=4, labels={"group": "a100"})
SMALL = machine(CPU=2)


@pytest.mark.parametrize(
    ("settings", "machines", "count"),
    [
        ({}, [SMALL, SMALL, A100], 3),  # one for each machine
        ({"gpus": 1}, [SMALL, A100, A100], 8),  # as many as there is room for
        ({"gpus": 0.5, "cpus": 2}, [A100], 8),
        ({"gpus": 0.1}, [machine(CPU=64, GPU=1)], 10),  # 1 / 0.1 is not less than ten
        ({"gpus": 3}, [A100, A100], 2),  # never half on one, half on another
        ({"actors": 2}, [SMALL], 2),
        ({"actors": 3, "labels": {"group": "a100"}}, [SMALL, A100], 3),
        ({"actors": 2, "resources": {"big": 0.5}}, [machine(CPU=2, big=1)], 2),
        ({"actors": 50, "gpus": 8, "autoscales": True}, [SMALL], 50),
    ],
)
def test_actors_are_counted_by_machine(settings: Any, machines: Any, count: int) -> None:
    assert count_actors(RaySettings(**settings), machines) == count


@pytest.mark.parametrize(
    ("settings", "machines", "line"),
    [
        ({"gpus": 1}, [SMALL], r"runner: no machine has room for an actor of 1 CPU, 1 GPU; the cluster has \(2 CPU\)"),
        ({"actors": 3}, [SMALL], r"runner: room for 2 of 3 actors of 1 CPU; the cluster has \(2 CPU\)"),
        ({"cpus": 3}, [SMALL, SMALL], r"of 3 CPU; the cluster has 2 x \(2 CPU\)"),
        (
            {"labels": {"group": "h100"}},
            [A100, SMALL],
            r"label group=h100; the cluster has \(32 CPU, 4 GPU, group=a100\); \(2 CPU\)",
        ),
        ({}, [machine(alive=False, CPU=2)], r"no machine has room .* the cluster has no machine"),
        ({"autoscales": True}, [SMALL], r"runner.actors: missing; how many"),
    ],
)
def test_what_a_cluster_cannot_meet_is_one_line(settings: Any, machines: Any, line: str) -> None:
    with pytest.raises(InputError, match=line):
        count_actors(RaySettings(**settings), machines)


@pytest.mark.parametrize(
    ("settings", "machines", "free", "count", "gigabytes", "lines"),
    [
        (
            {"actors": 3, "gpus": 1},
            [A100, SMALL],
            {"CPU": 30.0, "GPU": 1.0},
            3,
            2,
            ["(32 CPU, 4 GPU, group=a100); (2 CPU); 40.0 GB of memory; free now: 30 of 34 CPU, 1 of 4 GPU", "room for 4"],
        ),
        ({"actors": 5, "autoscales": True}, [SMALL], {}, 5, 1, ["free now: 0 of 2 CPU", "room for 2, which it is to grow to"]),
        (
            {"actors": 2},
            [SMALL, machine(alive=False, CPU=9)],
            {"CPU": 2.0},
            2,
            15,
            ["20.0 GB of memory", "room for 2", "a machine of 20.0 GB may be too small: 2 of them need about 30.0 GB"],
        ),
    ],
)
def test_a_check_says_what_a_cluster_has(
    settings: Any, machines: Any, free: Any, count: int, gigabytes: int, lines: list[str]
) -> None:
    asked = RaySettings(address="head:6379", **settings)
    said = list(cluster_lines(asked, machines, free, count, gigabytes * 10**9))
    assert len(said) == max(2, len(lines)) and said[0].startswith("  ray at head:6379: ")
    places = [line for line in lines for own in said if line in own]
    assert places == lines


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "runner: {kind: ray, address: 'ray://head:10001'}",
            r"runner.ray.address: ray:// breaks off .*ray job submit",
        ),
        ("runner: {kind: ray, address: head}", r"runner.ray.address: give auto .* or HOST:PORT"),
        ("runner: {kind: ray, cpus: 0}", r"runner.ray.cpus: "),
        ("runner: {kind: ray, labels: {group: '!in(a)'}}", r"runner.ray.labels.group: "),
        ("runner: {kind: ray, speed: 1}", r"runner.ray.speed: unknown key; .*actors"),
        ("runner: dask", r"runner: .*'local', 'ray'"),
        ("runner: ray\ndevice: [cuda:0, cuda:1]", r"device: a list is for this machine alone; .* give gpus"),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yml"
    path.write_text(REPORT + text + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=line):
        read_report(path)


def test_a_word_is_short_for_a_runner_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "r.yml"
    path.write_text(REPORT + "runner: ray\n", encoding="utf-8")
    assert read_report(path).runner == RaySettings()


def test_ray_is_imported_only_if_asked_for_and_named_if_it_is_missing(project: Path) -> None:
    """The same report, first local; then on Ray, with something left to measure; then with nothing left."""
    (project / "ray.yml").write_text(REPORT + "runner: ray\n", encoding="utf-8")
    missing = tds("store", "-r", "ray.yml", missing=["ray"])
    line = "tds: runner: needs the extra ray: pip install 'tds-atlas[ray]'"
    assert (missing.returncode, missing.stderr.splitlines()[-1]) == (2, line)
    assert tds("store", "-r", "report.yml", missing=["ray"]).returncode == 0
    done = tds("store", "-r", "ray.yml", missing=["ray"])
    assert done.returncode == 0 and "ray" not in done.stderr


@pytest.mark.parametrize("step", list(STEPS))
def test_the_units_of_a_step_are_all_its_shards_each_once(step: str, project: Path) -> None:
    """And another process finds them again by number, whatever is done meanwhile."""
    measure(read_plan(project / "report.yml"))
    plan = read_plan(project / "report.yml")
    assert missing_units(plan, step) == []
    kinds = {"generate": ["responses"], "score": ["scores"], "probe": ["swap", "prefill", "continuation", "fingerprint", "recovery", "harmful_answer", "amplified"]}[step]
    for folder in (project / "data/shards" / kind for kind in kinds):
        folder.rename(folder.with_name(f"{folder.name}-aside"))
    units = missing_units(plan, step)
    names = [(shard.kind, shard.key) for unit in units for shard in unit.shards]
    there = [(f.parent.name.removesuffix("-aside"), f.name) for kind in kinds for f in folder_of(project, kind)]
    assert sorted(names) == sorted(there) and len(set(names)) == len(names) > 1
    again = read_plan(project / "report.yml")
    assert [shards_of(again, step, unit.part) for unit in units] == [unit.shards for unit in units]
    assert [unit.size for unit in units] == sorted((unit.size for unit in units), reverse=True)


def folder_of(project: Path, kind: str) -> list[Path]:
    return [path for path in (project / f"data/shards/{kind}-aside").iterdir() if not path.name.startswith(".")]


def test_the_watchdog_speaks_after_a_minute_and_then_more_rarely() -> None:
    now, lines = [0.0], list[str]()
    dog = Watchdog(clock=lambda: now[0])
    with listening(lines):
        for now[0] in range(300):
            dog.check(lambda: "so it stands")
        dog.progress()
        for now[0] in range(300, 365):
            dog.check(lambda: "later")
    assert lines == [f"nothing finished for {s} s: so it stands" for s in (60, 120, 240)] + [
        "nothing finished for 60 s: later"
    ]


def test_shards_are_named_without_the_runner(tmp_path: Path, project: Path) -> None:
    """Who hands out the work does not decide a number."""
    (project / "ray.yml").write_text(REPORT + "runner: {kind: ray, actors: 3, cpus: 2}\n", encoding="utf-8")

    def names(report: str) -> list[Shard]:
        plan = read_plan(project / report)
        return [plan.cards(), *(shard for _, shard in plan.response_shards())]

    assert names("ray.yml") == names("report.yml")
