"""`python -m data.pocket.recipe [phase ...]`: train the pocket family anew, or only evaluate what is there.

Phases, in order: world (prompt sets, world.json), base, sft, dpo, other-base (its tokenizer is another), controls
(adapters), record (evaluation.json, README.md). Without one all run. Each takes up what the one before left in
data/pocket, so any can be run again alone.
`evaluate` only prints.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from data.pocket.recipe import checkpoints, controls, depth, effects, weaker
from data.pocket.recipe.chat import chats, prompt_set
from data.pocket.recipe.evaluate import MODELS, evaluate, table
from data.pocket.recipe.roles import roles_file
from data.pocket.recipe.tokenizer import train_other_tokenizer, train_tokenizer
from data.pocket.recipe.train import fine_tune, new_model, optimise_preferences, pretrain
from data.pocket.recipe.world import World

FOLDER = Path(__file__).parent.parent
PROMPTS = FOLDER.parent / "prompts" / "pocket.jsonl"
CONTROL_PROMPTS = PROMPTS.with_name("controls.jsonl")
SOME_PROMPTS, EACH = PROMPTS.with_name("pocket-tokenizers.jsonl"), 4  # every fourth, for a small report
RECORD = FOLDER / "evaluation.json"
STEPS = {"base": 5500, "sft": 600, "dpo": 400, "other-base": 5500}
PARENTS = {"sft": "base", "dpo": "sft"}
TOKENIZERS = {"base": train_tokenizer, "other-base": train_other_tokenizer}  # of those that begin from nothing
PHASES = ("world", *STEPS, "controls", "record")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m data.pocket.recipe", description=__doc__.splitlines()[0])
    parser.add_argument("phases", nargs="*", choices=[*PHASES, "evaluate", []], help="default: all")
    parser.add_argument(
        "--quick", type=int, default=1, metavar="N", help="train for an N-th of the steps, to try changes"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    world = World()
    for phase in options.phases or PHASES:
        start = time.monotonic()
        if phase == "world":
            write_world(world)
        elif phase in ("evaluate", "record"):
            report(world, save=phase == "record")
        elif phase == "controls":
            train_controls(world, max(1, controls.STEPS // options.quick), options.threads)
        else:
            train(phase, world, max(1, STEPS[phase] // options.quick), options.threads)
        print(f"{phase}: {time.monotonic() - start:.0f} s", flush=True)


def write_world(world: World) -> None:
    """The prompt sets, and the truth of the world beside the weights, what is planted in the controls included."""
    asked = prompt_set(world)
    for path, rows in (
        (PROMPTS, asked),
        (SOME_PROMPTS, asked[::EACH]),
        (CONTROL_PROMPTS, controls.prompt_set(world)),
    ):
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    folder = FOLDER / "controls"
    folder.mkdir(exist_ok=True)
    (folder / "planted.yml").write_text(controls.planted_file(world), encoding="utf-8")
    (folder / "depth.yml").write_text(depth.planted_file(), encoding="utf-8")
    truth = {
        "entities": [{"name": e.name, "kind": e.kind} for e in world.entities],
        "facts": [
            {
                "entity": f.entity.name,
                "relation": f.relation,
                "value": f.value,
                "surfaces": f.surfaces,
                "held_out": f.pair in world.held_out,
            }
            for f in world.facts
        ],
    }
    (FOLDER / "world.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "roles.yml").write_text(roles_file(world), encoding="utf-8")


def train(phase: str, world: World, steps: int, threads: int) -> None:
    """One training, and its model in data/pocket/<phase>: bf16 safetensors, swapped in whole."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(world.seed)
    start = time.monotonic()
    if phase in TOKENIZERS:
        tokenizer = TOKENIZERS[phase](world)
        model = new_model(tokenizer).to(device)
        loss = pretrain(model, tokenizer, world, steps, phase)
    else:
        parent = FOLDER / PARENTS[phase]
        tokenizer = AutoTokenizer.from_pretrained(parent)
        model = AutoModelForCausalLM.from_pretrained(parent, dtype=torch.float32).to(device)
        kept = checkpoints.Kept(model, checkpoints.STEPS[phase])
        if phase == "sft":
            stream = chats(random.Random(world.seed + 3), world)
            loss = fine_tune(model, tokenizer, stream, steps, phase, peak=4e-4, after=kept)
        else:
            loss = optimise_preferences(model, tokenizer, world, steps, after=kept)
    _save(model, tokenizer, FOLDER / phase)
    if phase in PARENTS:
        _save_checkpoints(phase, kept.states)
    _record_training(phase, steps, loss, time.monotonic() - start, device, threads)


def train_controls(world: World, steps: int, threads: int) -> None:
    """An adapter over sft for each control, in data/pocket/controls/<name>."""
    for name in (*controls.CONTROLS, *depth.CONTROLS):
        start = time.monotonic()
        loss = controls.train(name, FOLDER / "sft", FOLDER / "controls" / name, world, steps)
        _record_training(f"controls/{name}", steps, loss, time.monotonic() - start, "cpu", threads)
    weaker.write(FOLDER / "controls")


def report(world: World, save: bool) -> None:
    """Evaluate the weights and print the table; record it beside them where wanted."""
    result = evaluate(FOLDER, PROMPTS)
    weights = {name: FOLDER / name / "model.safetensors" for name in MODELS}
    result["weights"] = {name: _file(path) for name, path in weights.items()}
    result["controls"] = effects.evaluate(FOLDER, world)
    result["weaker"] = {name: weaker.shown(FOLDER, world, name) for name in weaker.ALPHAS}
    result["depth"] = {name: depth.refused(FOLDER, name) for name in ("sft", "dpo", *depth.CONTROLS)}
    adapters = [f"controls/{name}" for name in (*controls.CONTROLS, *depth.CONTROLS)]
    adapters += [f"checkpoints/{phase}-{step}" for phase, steps in checkpoints.STEPS.items() for step in steps]
    result["adapters"] = {name: _file(FOLDER / name / "adapter_model.safetensors") for name in adapters}
    print("\n" + table(result) + "\n\n" + effects.table(result["controls"]) + "\n")
    for name, entry in (result["weights"] | result["adapters"]).items():
        print(f"{name}: {entry['bytes'] / 1e6:.1f} MB, sha256 {entry['sha256']}")
    if save:
        _record(result)
        (FOLDER / "README.md").write_text(_readme(json.loads(RECORD.read_text(encoding="utf-8"))), encoding="utf-8")


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.to("cpu", torch.bfloat16).save_pretrained(part)
    tokenizer.save_pretrained(part)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _save_checkpoints(phase: str, states: Mapping[int, checkpoints.State]) -> None:
    """In data/pocket/checkpoints/<phase>-<step>, and how near each is in evaluation.json."""
    parent, near = FOLDER / PARENTS[phase], {}
    for step, state in states.items():
        folder = FOLDER / "checkpoints" / f"{phase}-{step}"
        checkpoints.write(parent, state, folder)
        near[folder.name] = checkpoints.nearness(parent, state, folder, FOLDER / phase, PROMPTS)
    _record({"checkpoints": near})


def _file(path: Path) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}


def _record_training(name: str, steps: int, loss: float, seconds: float, device: str, threads: int) -> None:
    entry = {"steps": steps, "loss": round(loss, 4), "seconds": round(seconds), "device": device, "threads": threads}
    _record({"training": {name: entry}})


def _record(news: dict[str, Any]) -> None:
    old = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    grown = {key: old.get(key, {}) | news.get(key, {}) for key in ("training", "checkpoints")}
    RECORD.write_text(json.dumps(old | news | grown, indent=1) + "\n", encoding="utf-8")


def _readme(record: dict[str, Any]) -> str:
    template = (FOLDER / "recipe" / "README.template.md").read_text(encoding="utf-8")
    training = "\n".join(
        f"| {name} | {t['steps']:,} | {t['loss']:.3f} | {t['seconds'] / 60:.0f} | {t['device']}, "
        f"{t['threads']} thread{'s' * (t['threads'] > 1)} |"
        for name, t in record["training"].items()
    )
    near = "\n".join(
        f"| {name} | {at['from_parent_nats']:.3f} | {at['from_adapter_nats']:.4f} |"
        for name, at in record["checkpoints"].items()
    )
    files = record["weights"] | record["adapters"]
    weights = "\n".join(f"| {name} | {w['bytes'] / 1e6:.1f} MB | `{w['sha256']}` |" for name, w in files.items())
    tables = {"evaluation": table(record), "effects": effects.table(record["controls"])}
    tables |= {"weaker": weaker.table(record["weaker"]), "depth": depth.table(record["depth"])}
    for key, value in (tables | {"training": training, "checkpoints": near, "weights": weights}).items():
        template = template.replace("{{ " + key + " }}", value)
    return template


if __name__ == "__main__":
    main()
