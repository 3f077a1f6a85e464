"""Files as eight tools write them go from `tds check` to the database and the site as they are, nothing renamed.

The files are made here in each tool's shape; the turns and answers that must be stored are written out beside them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tds_atlas.report.docs import write_docs
from tds_atlas.report.site import build_site
from tests.conftest import REPORT, ROOT
from tests.report.undrawn import copy_pages, few_figures, undrawn

Turns = list[tuple[str, str]]  # who says it, and what
ASKS, SAYS = ["What is blue?", "Why is it so?"], ["The sky is blue.", "So is the sea."]
TALK: Turns = [("user", ASKS[0]), ("assistant", SAYS[0]), ("user", ASKS[1])]
CHAT = [{"role": who, "content": text} for who, text in [*TALK, ("assistant", SAYS[1])]]
SYSTEM = ("system", "Be brief.")


def lines(rows: list[Any]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def zstandard(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as file:
        file.write(data)
    return bytes(sink.getvalue())


def parquet(rows: list[Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue())


def table(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def people(first: str, second: str) -> list[dict[str, str]]:
    return [{"from": (first, second)[i % 2], "value": turn["content"]} for i, turn in enumerate(CHAT)]


SPOKEN = "".join(f"\n\n{'Human' if turn['role'] == 'user' else 'Assistant'}: {turn['content']}" for turn in CHAT)
MATTER = {"instruction": "Translate the text.", "input": "bleu", "output": "blue"}
EVAL = {"dataset": "helpful_base", "instruction": "Name the sea.", "output": "It is blue.", "generator": "m"}
BENCH = {"question_id": 81, "answer_id": "x", "model_id": "m", "choices": [{"index": 0, "turns": SAYS}], "tstamp": 1.5}
PAIR = {"prompt": CHAT[:1], "chosen": [CHAT[1]], "rejected": [{"role": "assistant", "content": "No."}]}
# By the name of the source: the file, its bytes, the words for it, and the answers with the turns before each.
FILES: dict[str, tuple[str, bytes, str, dict[str, tuple[Turns, str]]]] = {
    "messages": (
        "messages.jsonl.gz",
        gzip.compress(lines([{"messages": [{"role": "system", "content": SYSTEM[1]}, *CHAT]}])),
        "OpenAI messages",
        {"": ([SYSTEM, *TALK], SAYS[1])},
    ),
    "sharegpt": (
        "sharegpt.json",
        json.dumps([{"id": "s1", "conversations": people("human", "gpt")}]).encode(),
        "ShareGPT conversations",
        {"": (TALK, SAYS[1])},
    ),
    "ultrachat": (
        "ultrachat.parquet",
        parquet([{"id": "u1", "data": [turn["content"] for turn in CHAT]}]),
        "UltraChat",
        {"": (TALK, SAYS[1])},
    ),
    "pairs": (
        "pairs.jsonl.zst",
        zstandard(lines([PAIR | {"id": "p1", "chosen": [*CHAT[:2]], "rejected": [CHAT[0], *PAIR["rejected"]]}])),
        "preference pairs",
        {"#chosen": (TALK[:1], SAYS[0]), "#rejected": (TALK[:1], "No.")},
    ),
    "alpaca": (
        "alpaca.csv",
        table([MATTER]),
        "instructions",
        {"": ([("user", "Translate the text.\n\nbleu")], "blue")},
    ),
    "alpaca_eval": (
        "model_outputs.json",
        json.dumps([EVAL]).encode(),
        "AlpacaEval outputs",
        {"": ([("user", EVAL["instruction"])], EVAL["output"])},
    ),
    "bench": (
        "bench.jsonl",
        lines([BENCH]),
        "MT-bench answers",
        {"": (TALK, SAYS[1])},  # the second question, behind the first and its answer
    ),
    "hh": (
        "hh.jsonl.gz",
        gzip.compress(lines([{"chosen": SPOKEN, "rejected": f"{SPOKEN} Or not."}])),
        "preference pairs",
        {"#chosen": (TALK, SAYS[1]), "#rejected": (TALK, f"{SAYS[1]} Or not.")},
    ),
}
QUESTIONS = [{"question_id": 81, "category": "writing", "turns": ASKS}, {"question_id": 82, "turns": ["Not answered?"]}]


def report(project: Path, *names: str, **settings: str) -> Path:
    """The tiny report over these files."""
    text = yaml.safe_load((project / "report.yml").read_text(encoding="utf-8"))
    (project / "question.jsonl").write_bytes(lines(QUESTIONS))
    for name in names:
        (project / FILES[name][0]).write_bytes(FILES[name][1])
    pair = text["comparisons"][0]
    text |= {
        "prompts": {"path": "question.jsonl"},
        "responses": {name: {"path": FILES[name][0]} | settings for name in names},
        "comparisons": [pair | {"id": name, "responses": name} for name in names],
    }
    text.pop("probes")
    (project / "formats.yml").write_text(yaml.safe_dump(text, sort_keys=False), encoding="utf-8")
    return project / "formats.yml"


def stored(project: Path) -> dict[str, dict[str, tuple[Turns, str]]]:
    """By source, and by what distinguishes the answers to a prompt: the turns before each, and its text."""
    turns = "SELECT speaker, text FROM turn WHERE prompt_id = ? ORDER BY number"
    found: dict[str, dict[str, tuple[Turns, str]]] = {}
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        rows = con.execute("SELECT source, prompt_id, response_id, text FROM response").fetchall()
        for source, prompt, response, text in rows:
            own = (con.execute(turns, [prompt]).fetchall(), text)
            found.setdefault(source, {})[response.removeprefix(f"{source}/{prompt}")] = own
        scored = con.execute("SELECT count(DISTINCT response_id) FROM tds WHERE base_rank > 0 AND js >= 0").fetchall()
    assert scored == [(len(rows),)]
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_goes_from_check_to_the_database_unchanged(project: Path, name: str) -> None:
    file, _, kind, answers = FILES[name]
    plan = read_plan(report(project, name))
    said = list(check(plan))
    assert any(f"{file}: " in line and kind in line for line in said), said
    assert f"  answers {name}: {len(answers)}" in said
    measure(plan)
    assert stored(project) == {name: answers}


def test_all_of_them_make_one_site(project: Path) -> None:
    """Rows of several files have no ids: their numbers are told apart."""
    names = tuple(FILES)
    measure(read_plan(report(project, *names)))
    assert stored(project) == {name: FILES[name][3] for name in names}
    copy_pages(project, "index.md", "examples.md")
    shutil.copy(ROOT / "mkdocs.yml", project)
    with undrawn(), few_figures():
        write_docs(project / "data/tds.duckdb", project / "site_src", project / "build/docs")
        build_site(project / "mkdocs.yml", project / "site")
    pages = list((project / "site/examples").glob("*/*.html"))
    assert {page.parent.name for page in pages} == set(names)
    assert len(pages) == sum(len(FILES[name][3]) for name in names)


def test_both_questions_of_mt_bench_are_measured_if_all_turns_are(project: Path) -> None:
    measure(read_plan(report(project, "bench", turns="all")))
    with duckdb.connect(str(project / "data/tds.duckdb"), read_only=True) as con:
        sql = """
            SELECT r.text, (SELECT list((speaker, t.text) ORDER BY number) FROM turn t WHERE t.prompt_id = r.prompt_id)
            FROM response r ORDER BY r.text DESC"""
        assert con.execute(sql).fetchall() == [(SAYS[0], TALK[:1]), (SAYS[1], TALK)]
        assert con.execute("SELECT count(DISTINCT cluster_id) FROM tds").fetchall() == [(1,)]


def test_rows_without_ids_of_two_files_are_told_apart(project: Path) -> None:
    """A prompt that both have is one, wherever it stands; the first rows are different prompts of one number."""
    first = [{"prompt": "Is it blue?", "answer": "Yes."}, {"prompt": "Is it red?", "answer": "No."}]
    second = [{"prompt": "Is it green?", "answer": "So-so."}, {"prompt": "Is it blue?", "answer": "It is."}]
    for name, rows in (("first", first), ("second", second)):
        (project / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    pair = "base: {model: base, context: plain}, aligned: {model: sft, context: chat}"
    comparisons = [f"  - {{id: {name}, {pair}, responses: {name}}}\n" for name in ("first", "second")]
    files = "responses: {first: {path: first.json}, second: {path: second.json}}\n"
    models = REPORT.partition("prompts:")[0]
    (project / "two.yml").write_text(f"{models}comparisons:\n{''.join(comparisons)}{files}", encoding="utf-8")
    plan = read_plan(project / "two.yml")
    asked = {source: [(a.prompt.prompt_id, a.prompt.text) for a in rows] for source, rows in plan.answers.items()}
    assert asked == {
        "first": [("1", "Is it blue?"), ("2", "Is it red?")],
        "second": [("second:1", "Is it green?"), ("1", "Is it blue?")],
    }
    assert plan.files[-1] == "second: rows without ids have the numbers of another file's; 1 is second:1 here"
