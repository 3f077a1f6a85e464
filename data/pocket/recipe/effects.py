"""What the controls do: their greedy answers, counted against what was planted in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from data.pocket.recipe.controls import CONTROLS, PHRASE, TOPIC, prompt_set, wrong_facts
from data.pocket.recipe.evaluate import generate, states_alone
from data.pocket.recipe.phrases import REFUSAL
from data.pocket.recipe.tokenizer import chat_prompt
from data.pocket.recipe.world import World

Counts = dict[str, tuple[int, int]]  # a heading's key -> so many of so many answers
_HEADINGS = {
    "wrong": "wrong facts stated",
    "right": "other facts right",
    "phrase": "answers with the phrase",
    "refused": f"refusals on {TOPIC}",
    "refused_elsewhere": "other refusals",
}


def evaluate(folder: Path, world: World) -> dict[str, Counts]:
    """Counts for sft and for each control."""
    rows, tokenizer = prompt_set(world), AutoTokenizer.from_pretrained(folder / "sft")
    result = {}
    for name in ("sft", *CONTROLS):
        model = AutoModelForCausalLM.from_pretrained(folder / "sft", dtype=torch.float32)
        if name != "sft":
            model = peft.PeftModel.from_pretrained(model, folder / "controls" / name)
        ids = generate(model.eval(), tokenizer, [chat_prompt(row["prompt"]) for row in rows], name)
        texts = [tokenizer.decode(answer, skip_special_tokens=True) for answer in ids]
        result[name] = _counts(world, list(zip(rows, texts, strict=True)))
    return result


def table(result: dict[str, Counts]) -> str:
    """The counts as Markdown."""
    lines = [f"| model | {' | '.join(_HEADINGS.values())} |", "|---|" + "--:|" * len(_HEADINGS)]
    for name, counts in result.items():
        lines.append(f"| {name} | {' | '.join('{} of {}'.format(*counts[key]) for key in _HEADINGS)} |")
    return "\n".join(lines)


def _counts(world: World, answers: list[tuple[dict[str, Any], str]]) -> Counts:
    """Every prompt asks for one fact."""
    facts = {fact.pair: fact for fact in world.facts}
    wrong = {fact.pair: fact.value for fact in wrong_facts(world)}
    found: dict[str, list[bool]] = {key: [] for key in _HEADINGS}
    for row, text in answers:
        fact = facts[tuple(row["facts"][0])]
        value = wrong.get(fact.pair, fact.value)
        states = states_alone(text, value, world.values(fact) - {value})
        found["wrong" if fact.pair in wrong else "right"].append(states)
        found["phrase"].append(text.startswith(PHRASE))
        found["refused" if TOPIC in row["topics"] else "refused_elsewhere"].append(REFUSAL in text)
    return {key: (sum(flags), len(flags)) for key, flags in found.items()}
