"""Graders: what a function says of each text whatever it does, and graders of a report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.graders import Grader
from tds_atlas.pipeline.grading import grades
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.probes import write_probes
from tds_atlas.pipeline.store import write_database
from tests.conftest import PROMPTS

MODULE = """
import os, sys, time

def grade(row):
    text = row["text"]
    print("to standard output", flush=True)
    if text == "raises":
        raise RuntimeError("no such luck\\nat all")
    if text == "leaves":
        sys.exit(3)
    if text == "dies":
        os._exit(7)
    if text == "hangs":
        time.sleep(60)
    return {"yes": True, "no": False, "half": 0.5, "skip": None, "odd": "A", "nan": float("nan")}[text]

def long(row):
    return len(row["text"]) > row["prompt"].count("e")

def length(row):
    if row["prompt_id"] == "odd":
        raise ValueError("too odd")
    return len(row["text"]) / 10

value = 3
"""


def grader(folder: Path, function: str, seconds: float = 20) -> Grader:
    (folder / "mine.py").write_text(MODULE, encoding="utf-8")
    return Grader("own", f"mine:{function}", str(folder), seconds, ())


def test_one_text_that_fails_costs_no_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked = ["yes", "raises", "no", "leaves", "dies", "half", "hangs", "skip", "odd", "nan", "yes"]
    said = list(grades(grader(tmp_path, "grade", 3), ({"text": text} for text in asked)))
    assert [x.get("value") for x in said] == [1, None, 0, None, None, 0.5, None, None, None, None, 1]
    assert [x.get("is_yes_or_no") for x in said] == [True, None, True, None, None, False, *[None] * 4, True]
    assert [x.get("error") for x in said] == [
        None,
        "RuntimeError: no such luck at all",
        None,
        "SystemExit: 3",
        "its process ended with code 7",
        None,
        "took longer than 3 seconds",
        None,
        "gave str, not true, false, a number or None",
        "gave nan, not a number",
        None,
    ]
    assert "to standard output" not in capfd.readouterr().out


@pytest.mark.parametrize(("function", "why"), [("value", "value is no function"), ("gone", "AttributeError: .*'gone'")])
def test_what_cannot_be_loaded_is_one_line(tmp_path: Path, function: str, why: str) -> None:
    with pytest.raises(InputError, match=f"^grader own: mine:{function} cannot be loaded: {why}"):
        list(grades(grader(tmp_path, function), [{"text": "yes"}]))


GOLD = {"sky": ["[aeiou]{2}", "qq"], "3": "e"}  # by prompt
GRADERS = """
probes:
  swap:
    comparisons: [base-sft]
    shares: [0.3]
    prompts: 3
    max_new_tokens: 12
    graders:
      long: {call: "mine:long"}
      length: {call: "mine:length"}
      gold: {column: gold, match: regex}
"""


def no_models() -> NoReturn:
    raise AssertionError("a model is loaded")


def write(project: Path, probes: str = GRADERS) -> Path:
    (project / "mine.py").write_text(MODULE, encoding="utf-8")
    rows = [
        row | {"bad": "(open"} | ({"gold": GOLD[str(row["id"])]} if str(row["id"]) in GOLD else {}) for row in PROMPTS
    ]
    (project / "prompts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = project / "report.yml"
    text = report.read_text(encoding="utf-8")
    report.write_text(re.sub(r"\nprobes:\n(  .*\n)+", probes, text), encoding="utf-8")
    return report


def stored(plan: Plan) -> list[tuple[Any, ...]]:
    write_probes(plan, no_models)
    write_database(plan)
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        return con.execute("""SELECT grader, prompt_id, p.text, s.text, value, is_yes_or_no, error
            FROM swap_grade JOIN swap s USING (comparison_id, prompt_id, writer, method, share) JOIN prompt p USING (prompt_id)
            ORDER BY ALL""").fetchall()


def test_graders_of_a_report(measured_project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts that exist are graded without a model; one is told of by its prompt; what changed is graded anew."""
    plan = read_plan(write(measured_project))
    rows = stored(plan)
    assert len(rows) == 3 * 3 * 5  # graders, prompts, texts
    for name, prompt_id, prompt, text, value, answers, error in rows:
        if name == "long":
            assert (value, answers) == (len(text) > prompt.count("e"), True)
        elif name == "length":
            assert (value, error) == ((None, "ValueError: too odd") if prompt_id == "odd" else (len(text) / 10, None))
        else:
            gold = GOLD.get(prompt_id, [])
            found = [re.search(pattern, text) for pattern in ([gold] if isinstance(gold, str) else gold)]
            assert value == (any(found) if found else None)
    assert "grader length: prompt odd: ValueError: too odd; the text has no grade" in capsys.readouterr().err
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        kinds = con.execute(
            "SELECT DISTINCT outcome, is_share, is_yes_or_no FROM swap_outcome WHERE outcome IN ('long', 'length')"
        )
        assert sorted(kinds.fetchall()) == [("length", False, False), ("long", True, True)]
        seen = con.execute(
            "SELECT share, cluster_id, x FROM swap_outcome WHERE outcome = 'length' AND method = 'divergence' AND x > 0"
        )
        assert len(seen.fetchall()) <= 3 * 2
    assert stored(read_plan(plan.path)) == rows and not capsys.readouterr().err.count(
        "too odd"
    )  # nothing is done again
    module = measured_project / "mine.py"
    module.write_text(MODULE.replace("/ 10", "/ 5").replace('== "odd"', '== "none"'), encoding="utf-8")
    again = {row[:4]: row[4] for row in stored(read_plan(plan.path))}
    assert all(again["length", prompt_id, prompt, text] == len(text) / 5 for n, prompt_id, prompt, text, *_ in rows)


@pytest.mark.parametrize(
    ("grader", "why"),
    [
        ('{call: "other:f"}', r"graders\.own: there is no module other; it must lie beside the report file"),
        ("{call: mine.py}", r"graders\.own\.call: String should match pattern"),
        ('{call: "mine:long", column: gold}', r"graders\.own: give one of call .*, entry_point .* and column"),
        ('{call: "mine:long", match: regex}', r"graders\.own: match and responses are for a grader by column"),
        (
            "{entry_point: gone}",
            r"graders\.own\.entry_point: 'gone' is not in the entry points tds_atlas\.graders; installed: none",
        ),
        ("{column: silver}", r"graders\.own\.column: no row of .*prompts\.jsonl has a value of 'silver'"),
        (
            "{column: harmful}",
            r"prompts\.jsonl: .*: harmful: a reference answer is a text, a number or a list of these",
        ),
        ("{column: bad, match: regex}", r"prompts\.jsonl: .*: bad: '\(open' is no regular expression"),
        ("{column: gold, responses: more}", r"graders\.own\.responses: 'more' is no file of answers"),
    ],
)
def test_a_grader_that_cannot_be_is_one_line(project: Path, grader: str, why: str) -> None:
    report = write(project, f"\nprobes: {{swap: {{comparisons: [base-sft], graders: {{own: {grader}}}}}}}\n")
    with pytest.raises(InputError, match=why) as error:
        read_plan(report)
    assert "\n" not in str(error.value)


def test_a_name_of_an_outcome_is_taken(project: Path) -> None:
    report = write(project, '\nprobes: {swap: {comparisons: [base-sft], graders: {style: {call: "mine:long"}}}}\n')
    with pytest.raises(InputError, match="style is an outcome that every report has"):
        read_plan(report)
