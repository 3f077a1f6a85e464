"""The pocket family's controls, measured under neutral names against the model that they were made of."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure

_ROOT = Path(__file__).parent.parent
_POCKET = _ROOT / "data" / "pocket"
PLANTED = {
    "facts": "facts",
    "style": "a phrase",
    "refusal": "refusals on animals",
    "twin-a": "nothing",
    "twin-b": "nothing",
}
NAMES = dict(zip("CADBE", PLANTED, strict=True))  # neutral name -> control


def measured(folder: Path) -> None:
    """tds.duckdb: the controls' report without what was planted, its adapters in folders of neutral names."""
    report = yaml.safe_load((_ROOT / "data/reports/controls.yml").read_text(encoding="utf-8"))
    del report["controls"]
    report["models"] = {"sft": {"path": str(_POCKET / "sft"), "dtype": "float32"}}
    report["comparisons"] = []
    for name, control in sorted(NAMES.items()):
        shutil.copytree(_POCKET / "controls" / control, folder / name)
        report["models"][name] = {"adapts": "sft", "adapter": {"path": name}}
        sides = {"base": {"model": "sft", "context": "chat"}, "aligned": {"model": name, "context": "chat"}}
        report["comparisons"].append(sides)
    report["prompts"], report["roles"] = (
        {"path": str(path)} for path in (_ROOT / "data/prompts/controls.jsonl", _POCKET / "roles.yml")
    )
    fingerprint = {"comparisons": [f"sft-{name}" for name in "ABDE"], "against": "sft-B"}
    report["probes"] = {"fingerprint": fingerprint | {"path": str(_ROOT / "data/texts/pocket.jsonl")}}
    report |= {"generate": {"max_new_tokens": 80, "batch_size": 100}, "score": {"top_k": 5}, "shard_responses": 100}
    report["output"] = {
        "shards": str(folder / "shards"),
        "database": str(folder / "tds.duckdb"),
        "site": str(folder / "site"),
    }
    (folder / "report.yml").write_text(yaml.safe_dump(report), encoding="utf-8")
    measure(read_plan(folder / "report.yml"))
