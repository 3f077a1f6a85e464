"""What the documents say is so: the README's verbs, tree and settings against the code, both ways."""

from __future__ import annotations

import re
import subprocess
import typing

import yaml

from tds_atlas.cli.main import app
from tds_atlas.gate.rules import parse_rules
from tds_atlas.inputs.report_file import Report
from tds_atlas.inputs.runner_settings import RaySettings
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
GATE = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
MACHINES = (ROOT / "docs/past-one-machine.md").read_text(encoding="utf-8")


def test_the_table_of_verbs_is_the_commands() -> None:
    verbs = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert verbs == set(re.findall(r"^\| `tds (\w+)` \|", README, re.MULTILINE))


def test_the_tree_names_every_module_of_the_package() -> None:
    tree = README[README.index("## The tree") :]
    modules = {
        p.name for p in (ROOT / "builder").rglob("*.py") if p.name != "__init__.py" and p.parent.name != "figures"
    }
    named = set(re.findall(r"[\w/]+\.py|[\w/]+\.sql", tree))
    assert modules <= named
    for name in named:
        assert list((ROOT / "builder").rglob(name)) or (ROOT / name).exists(), name


def test_the_example_reports_are_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    report = yaml.safe_load(blocks[0])
    for block in blocks:  # each of the others changes the first
        Report.model_validate(report | yaml.safe_load(block))
    assert len(blocks) > 3


def test_the_page_past_one_machine_names_what_there_is() -> None:
    """Its settings are valid, its table has each key of the runner, its verbs and targets exist, its code is linked."""
    report = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0])
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", MACHINES, re.DOTALL)]
    ours = [block for block in blocks if "num_nodes" not in block]
    assert [set(block) for block in ours] == [{"runner"}, {"models"}]
    for block in ours:
        Report.model_validate(report | block)
    rows = re.findall(r"^\| (`[a-z`, ]+`) \|", MACHINES, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"\w+", row)}
    assert named == set(RaySettings.model_fields) - {"kind"}
    verbs = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert set(re.findall(r"\btds (\w+) --", MACHINES)) <= verbs
    assert "(docs/past-one-machine.md)" in README and re.search(
        r"^ray: ", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_the_page_on_the_gate_names_what_there_is() -> None:
    """Its workflow gives the action inputs that it has, all that it needs; its rules are rules, its options options."""
    (report,) = re.findall(r"```yaml\n(.*?)```", GATE, re.DOTALL)
    Report.model_validate(yaml.safe_load(report))
    (block,) = re.findall(r"```yml\n(.*?)```", GATE, re.DOTALL)
    jobs = yaml.safe_load(block)["jobs"]
    (gate,) = (step for step in jobs["gate"]["steps"] if step.get("id") == "gate")
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    assert {name for name, given in inputs.items() if given.get("required")} <= gate["with"].keys() <= inputs.keys()
    for rules in (gate["with"]["fail-on"], *re.findall(r'--(?:fail-on|plan) "([^"]+)"', GATE)):
        assert parse_rules(rules)
    (compare,) = (c for c in app.registered_commands if c.callback.__name__ == "compare")
    known = set(re.findall(r"--[a-z-]+", str(typing.get_type_hints(compare.callback, include_extras=True))))
    known |= {f"--{name.replace('_', '-')}" for name in typing.get_type_hints(compare.callback)}
    assert set(re.findall(r"--[a-z][a-z-]+", GATE)) <= known | {"--report"}
    assert "(docs/gate.md)" in README


def test_make_help_lists_every_target_that_a_user_calls() -> None:
    text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in (
        "site",
        "test",
        "check",
        "report",
        "serve",
        "evaluate",
        "pocket",
        "lint",
        "types",
        "bench",
        "interrupt",
        "hostile",
        "clean",
    ):
        assert re.search(rf"\bmake .*\b{target}\b", text), target
