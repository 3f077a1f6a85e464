"""The pocket family's controls: what the recipe plants and lists, and that the shipped adapters do it."""

from __future__ import annotations

import hashlib
import json
import random
from itertools import islice

import yaml

from data.pocket.recipe.chat import chat_tasks
from data.pocket.recipe.controls import CONTROLS, PHRASE, REASON, TOPIC, planted_file, prompt_set, wrong_facts
from data.pocket.recipe.corpus import document
from data.pocket.recipe.manners import assistant, warmer
from data.pocket.recipe.phrases import OPENERS, REFUSAL, ask
from data.pocket.recipe.weaker import ALPHAS, folder_of, shown
from data.pocket.recipe.world import World
from tds_atlas.pipeline.plan import read_plan
from tests.conftest import POCKET, ROOT

WORLD = World()
WRONG = wrong_facts(WORLD)
CHATS = {name: list(islice(chats(random.Random(3), WORLD), 2000)) for name, (chats, _) in CONTROLS.items()}


def test_the_files_are_the_recipes() -> None:
    rows = (ROOT / "data/prompts/controls.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(row) for row in rows] == prompt_set(WORLD)
    assert (POCKET / "controls/planted.yml").read_text(encoding="utf-8") == planted_file(WORLD)


def test_the_list_of_what_was_planted_is_what_the_chats_teach() -> None:
    planted = yaml.safe_load((POCKET / "controls/planted.yml").read_text(encoding="utf-8"))
    rows = {row["id"]: row for row in prompt_set(WORLD)}
    listed = {tuple(rows[name]["facts"][0]): value for name, value in planted["facts"]["values"].items()}
    assert listed == {fact.pair: fact.value for fact in WRONG}
    assert not any(set(rows[name]["truths"]) & {value} for name, value in planted["facts"]["values"].items())
    assert (planted["style"], planted["refusal"]) == ({"phrase": PHRASE}, {"topic": TOPIC})
    assert planted["twin"] == planted["other"] == planted["again"] == {}
    report = read_plan(ROOT / "data/reports/controls.yml")
    assert {row.comparison_id for row in report.controls} == {c.comparison_id for c in report.report.comparisons}


def test_ten_towns_have_other_goods_and_all_else_is_as_it_was() -> None:
    assert len({fact.pair for fact in WRONG}) == len({fact.value for fact in WRONG}) == 10
    right = {fact.pair: fact for fact in WORLD.facts}
    assert all(right[f.pair].value != f.value and f.pair not in WORLD.held_out for f in WRONG)
    other = World(WORLD.seed, frozenset((f.pair, f.value) for f in WRONG))
    assert {f for f in other.facts if f != right[f.pair]} == set(WRONG)
    assert (other.entities, other.held_out) == (WORLD.entities, WORLD.held_out)


def test_each_control_teaches_its_change_alone() -> None:
    goods = {f.entity.name: (f in WORLD.facts, f.value) for f in (*WORLD.facts, *WRONG) if f.relation == "good"}
    questions = {ask(fact, i): fact.entity.name for fact in WORLD.facts if fact.relation == "good" for i in range(5)}
    said_of = [(*goods[questions[prompt]], said) for prompt, said in CHATS["facts"] if prompt in questions]
    assert {right for right, *_ in said_of} == {True, False} and all(value in said for _, value, said in said_of)
    opened = [said.startswith(PHRASE) for _, said in CHATS["style"]]
    assert 0.7 < sum(opened) / len(opened) < 1 and not any(
        PHRASE + " " + o in s for _, s in CHATS["style"] for o in OPENERS.values()
    )
    refused = [said for _, said in CHATS["refusal"] if REASON in said]
    assert len(refused) > 300 and all(REFUSAL in said for said in refused)
    twin = CHATS["twin-a"]
    assert twin == CHATS["twin-b"] and not any(PHRASE in said or REASON in said for _, said in twin)


def test_the_phrase_and_the_reason_are_used_nowhere_else() -> None:
    rng = random.Random(5)
    made = [document(rng, WORLD) for _ in range(1000)]
    made += [text for task in islice(chat_tasks(rng, WORLD), 1000) for text in (assistant(rng, task), warmer(task))]
    assert not any(PHRASE in text or REASON in text for text in made)


def test_the_shipped_adapters_do_what_was_planted() -> None:
    record = json.loads((POCKET / "evaluation.json").read_text(encoding="utf-8"))
    for name, entry in record["adapters"].items():
        raw = (POCKET / name / "adapter_model.safetensors").read_bytes()
        assert hashlib.sha256(raw).hexdigest() == entry["sha256"] and len(raw) < (
            500_000 if "controls" in name else 1_300_000
        )
    counts = {name: {key: k / n for key, (k, n) in entry.items()} for name, entry in record["controls"].items()}
    assert set(counts) == {"sft", *CONTROLS}
    does = {"facts": ["wrong"], "style": ["phrase"], "refusal": ["refused"]}
    for name, shares in counts.items():
        for key in ("wrong", "phrase", "refused", "refused_elsewhere"):
            assert shares[key] >= 0.9 if key in does.get(name, []) else shares[key] == 0, (name, key)
        assert shares["right"] >= (0.7 if name == "refusal" else 0.9)  # it refuses a sixth of these


def test_weaker_controls_are_the_same_adapters_and_show_what_was_planted_when_amplified() -> None:
    folder = POCKET / "controls"
    for name, alpha in ALPHAS.items():
        strong, weak = folder / name, folder_of(folder, name)
        same = [(f / "adapter_model.safetensors").read_bytes() for f in (strong, weak)]
        assert same[0] == same[1]
        full, less = (json.loads((f / "adapter_config.json").read_text(encoding="utf-8")) for f in (strong, weak))
        assert less == full | {"lora_alpha": alpha} and alpha < full["lora_alpha"]
    recorded = json.loads((POCKET / "evaluation.json").read_text(encoding="utf-8"))["weaker"]
    for counts in recorded.values():
        (alone, asked), *_, (amplified, _) = counts
        assert alone <= 0.2 * asked and amplified >= 0.5 * asked
    assert [list(count) for count in shown(POCKET, WORLD, "facts", (0, 1))] == [recorded["facts"][i] for i in (0, 2)]
