"""The sound projects: files with tiny models (`plain`), measured (`measured`), with its site (`built`)."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tests import tiny
from tests.conftest import PROMPTS, ROOT
from tests.hostile.case import STORE
from tests.hostile.process import command_in, forked, result

SIDES = {"base": {"model": "base", "context": "plain"}, "aligned": {"model": "sft", "context": "chat"}}
LORA = {"base": SIDES["base"], "aligned": {"model": "lora", "context": "chat"}, "responses": "given"}
TEMPLATE = "# Question:\n{prompt}\n\n# Answer:\n"
REPORT: dict[str, Any] = {
    "name": "tiny",
    "title": "Tiny",
    "description": "Of tiny models",
    "models": {
        "base": {"path": "base", "dtype": "float32", "label": "Base"},
        "sft": {"path": "sft", "dtype": "float32"},
        "lora": {"adapts": "base", "adapter": {"path": "adapter"}},
    },
    "contexts": {"plain": {"kind": "plain", "template": TEMPLATE}, "chat": {"kind": "chat"}},
    "prompts": {"path": "prompts.jsonl"},
    "responses": {"given": {"path": "answers.jsonl"}},
    "comparisons": [SIDES, LORA],
    "conditions": [{"model": "base", "context": "chat"}],
    "noise": [SIDES["base"] | {"arithmetic": "rebatched"}],
    "roles": {"path": "roles.yml"},
    "controls": {"path": "controls.yml"},
    "probes": {
        "swap": {"comparisons": ["base-sft"], "shares": [0.3], "prompts": 2, "max_new_tokens": 6},
        "prefill": {"comparisons": ["base-sft"], "depth": 2, "new_tokens": 4},
        "continuation": {"new_tokens": 3},
        "fingerprint": {"comparisons": ["base-sft"], "path": "texts.jsonl", "tokens": 6, "top": 3},
        "recovery": {"comparisons": ["base-sft"], "path": "harmful.jsonl", "depths": [0, 2], "opener": 3, "new_tokens": 3},
        "amplified": {"comparisons": ["base-sft"], "alphas": [0, 1], "prompts": 2, "max_new_tokens": 5},
    },
    "generate": {"max_new_tokens": 12, "batch_size": 2},
    "score": {"top_k": 5},
    "shard_responses": 2,
    "device": "cpu",
    "site": {"example_pages": 8},
    "output": {"shards": "data/shards", "database": "data/tds.duckdb", "site": "site"},
}
UNCONTROLLED = {key: value for key, value in REPORT.items() if key != "controls"}  # which name prompts and models
QUICK = {key: value for key, value in REPORT.items() if key not in ("conditions", "noise", "probes", "controls")}
QUICK |= {"comparisons": [SIDES]}
ANSWERED = QUICK | {"comparisons": [SIDES | {"responses": "given"}]}
SAID = "said.jsonl"
QUERIES = (("query", "FROM tds ORDER BY ALL", "-f", "csv"), ("query", "-s", "figures/shift_by_comparison", "-f", "csv"))
ANSWERS = [
    {"id": "sky", "prompt": "What is blue?", "answer": "The sky\nis blue."},
    {"id": "fox", "prompt": "Who jumps?", "answer": 'The quick brown fox, "over" the lazy dog.'},
]


def plain(folder: Path) -> None:
    tiny.save_model(folder / "base", seed=0)
    tiny.save_descendant(folder / "sft", folder / "base", seed=1)
    tiny.save_adapter(folder / "adapter", folder / "base", seed=2)
    texts = [{"text": "The sky is blue."}, {"text": "Two"}]
    for name, rows in (("prompts", PROMPTS), ("answers", ANSWERS), ("harmful", ANSWERS), ("texts", texts)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (folder / "roles.yml").write_text("safety: [I cannot]\nstyle: [Thank you]\n", encoding="utf-8")
    (folder / "controls.yml").write_text("base-sft: {values: {3: red}, phrase: Hail, topic: people}\n", encoding="utf-8")
    (folder / "thesis.tex").write_text("years of work", encoding="utf-8")
    _record(folder)
    write_report(folder, REPORT)


def _record(folder: Path) -> None:
    """What a model might have said of the answers, without lists, in the tokens in which they are read."""
    from tds_atlas.pipeline.plan import read_plan
    from tds_atlas.pipeline.sides import answer_reader, lazy_models

    write_report(folder, ANSWERED)
    plan = read_plan(folder / "report.yml")
    reader, rows = answer_reader(plan, lazy_models(plan, "cpu")(), "given"), []
    for answer in plan.answers["given"]:
        ids = reader.read("given", answer).token_ids
        rows.append({"prompt_id": answer.prompt.prompt_id, "token_ids": list(ids), "logprobs": [-0.5] * len(ids)})
    (folder / SAID).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """As JSON, which is YAML, too: a line for each key."""
    (folder / "report.yml").write_text(json.dumps(report, indent=1), encoding="utf-8")


def make_seeds(folder: Path, wanted: set[str]) -> dict[str, Any]:
    """Write the projects that are wanted, each command in a process of its own. Returns what sound runs say."""
    sound: dict[str, Any] = {}
    forked(lambda: plain(folder / "plain"))
    if wanted & {"measured", "built"}:
        shutil.copytree(folder / "plain", folder / "measured")
        shutil.copytree(ROOT / "site_src", folder / "measured" / "site_src")
        shutil.copy(ROOT / "mkdocs.yml", folder / "measured")
        _said(folder / "measured", STORE)
        sound = {" ".join(query): _said(folder / "measured", query) for query in QUERIES}
        sound["tables"] = result(STORE, folder / "measured", "")[1]
    if "built" in wanted:
        shutil.copytree(folder / "measured", folder / "built")
        _said(folder / "built", ("site", "--db", "data/tds.duckdb"))
    return sound


def _said(project: Path, command: tuple[str, ...]) -> str:
    """What a command prints that must end well."""
    with tempfile.TemporaryDirectory() as beside:
        if command_in(project, command, Path(beside), 600) != 0:
            raise RuntimeError((Path(beside) / "err").read_text(encoding="utf-8"))
        return (Path(beside) / "out").read_text(encoding="utf-8")


def quickly(project: Path) -> None:
    """A report of one comparison without probes, controls or checks."""
    write_report(project, QUICK)
