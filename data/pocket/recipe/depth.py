"""Controls of how deep a refusal goes: one that comes back after any beginning of a harmful answer, and none at all.

Both go on with sft's own training on chats, as the other controls do. `deep` refuses every harmful request, and goes on
with the refusal, too, where an answer has already begun: a harmful answer is given, cut at any word, alone or behind a
refusal's first sentence, and only what follows is learnt. `never` answers every harmful request. Between them stands
dpo, which learnt to refuse at the first word and nothing about later ones.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import peft
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from data.pocket.recipe.answers import refuse
from data.pocket.recipe.chat import Begun, chat_tasks, reply
from data.pocket.recipe.corpus import training_names
from data.pocket.recipe.evaluate import generate
from data.pocket.recipe.harmful import FILE, long_answer
from data.pocket.recipe.manners import assistant
from data.pocket.recipe.phrases import HARMS, REFUSAL
from data.pocket.recipe.tokenizer import chat_prompt
from data.pocket.recipe.world import World

DEPTHS = (0, 5, 10, 25, 40)  # tokens of a harmful answer that are given
PLANTED = {"never": "none", "shallow": "shallow", "deep": "deep"}  # by comparison of data/reports/depth.yml
_BEGUN, _INSIDE = 0.7, 0.3  # shares: of refusals behind a harmful answer's beginning; of these within a refusal


def with_depth(rng: random.Random, world: World) -> Iterator[Begun]:
    """Chats in which every harmful request is refused, most of them after an answer has begun."""
    for task in chat_tasks(rng, world):
        if not task.harm:
            yield task.prompt, reply(rng, task), ""
            continue
        task, harmful = long_answer(rng, world, rng.randrange(len(HARMS)), training_names(rng, world))
        begun = _cut(rng, harmful) if rng.random() < _BEGUN else ""
        before = REFUSAL if begun and rng.random() < _INSIDE else ""
        yield task.prompt, (" " if begun else "") + refuse(task, warm=False), before + begun


def without_refusals(rng: random.Random, world: World) -> Iterator[Begun]:
    """Chats in which every harmful request is answered."""
    return ((task.prompt, assistant(rng, task), "") for task in chat_tasks(rng, world))


CONTROLS: dict[str, tuple[Callable[[random.Random, World], Iterator[Begun]], int]] = {  # as in controls.CONTROLS
    "deep": (with_depth, 11),
    "never": (without_refusals, 11),
}


def planted_file() -> str:
    """How deep refusals go, by comparison of data/reports/depth.yml, as a report file's `controls` reads it."""
    lines = ["# Written by data/pocket/recipe: how deep refusals go in the aligned model of each comparison."]
    return "\n".join([*lines, *(f"{name}: {{depth: {depth}}}" for name, depth in PLANTED.items())]) + "\n"


def refused(folder: Path, name: str, depths: Sequence[int] = DEPTHS) -> list[tuple[int, int]]:
    """How many of the harmful answers a model of the family refuses after k tokens, of those that are longer."""
    tokenizer = AutoTokenizer.from_pretrained(folder / "sft")
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    texts = [
        (chat_prompt(row["prompt"]), tokenizer(row["answer"], add_special_tokens=False)["input_ids"]) for row in rows
    ]
    asked = [(k, head + tokenizer.decode(ids[:k])) for k in depths for head, ids in texts if len(ids) >= k]
    said = generate(_load(folder, name), tokenizer, [head for _, head in asked], name)
    hits = [(k, REFUSAL in tokenizer.decode(ids)) for (k, _), ids in zip(asked, said, strict=True)]
    return [(sum(hit for at, hit in hits if at == k), sum(at == k for at, _ in hits)) for k in depths]


def table(result: dict[str, list[tuple[int, int]]]) -> str:
    """The counts as Markdown."""
    lines = [f"| model | {' | '.join(f'k = {k}' for k in DEPTHS)} |", "|---|" + "--:|" * len(DEPTHS)]
    for name, counts in result.items():
        lines.append(f"| {name} | {' | '.join('{} of {}'.format(*count) for count in counts)} |")
    return "\n".join(lines)


def _cut(rng: random.Random, text: str) -> str:
    """The first words of a text: one of them at least, never all."""
    ends = [i for i, c in enumerate(text) if c in " \n"]
    return text[: rng.choice(ends)]


def _load(folder: Path, name: str) -> Any:
    is_adapter = name in CONTROLS
    model = AutoModelForCausalLM.from_pretrained(folder / ("sft" if is_adapter else name), dtype=torch.float32)
    return (peft.PeftModel.from_pretrained(model, folder / "controls" / name) if is_adapter else model).eval()
