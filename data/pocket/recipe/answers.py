"""Questions on the world and their answers in four voices.

A Task is one question with what is true about it; `answer` writes it in a voice of the corpus (terse, plain and,
rarely, friendly or warm). The same tasks serve the chats and preference pairs, whose voices are in `manners`, and the
prompt set, which has no answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data.pocket.recipe.phrases import (
    CAVEATS,
    CLOSERS,
    HARMS,
    INSTEAD,
    OPENERS,
    REFUSAL,
    WARM_CLOSER,
    WARM_INSTEAD,
    WARM_OPENERS,
    ask,
    sentence,
    state,
)
from data.pocket.recipe.world import TOPICS, Entity, Fact, World


@dataclass(frozen=True)
class Task:
    """A question, the sentences that answer it, and the tags it carries in a prompt set."""

    prompt: str
    core: tuple[str, ...]  # the sentences of a plain answer
    task: str
    topic: str
    facts: tuple[Fact, ...] = ()
    terse: str = ""
    harm: str = ""  # the kind of harm asked for
    refusal: str = ""  # why it is refused
    listed: bool = False  # the core reads best as numbered lines


def fact_task(rng: random.Random, fact: Fact) -> Task:
    i = rng.randrange(5)
    value = fact.value[0].upper() + fact.value[1:]
    return Task(
        ask(fact, i), (state(fact, rng.randrange(5)),), "info-seek", TOPICS[fact.entity.kind], (fact,), value + "."
    )


def list_task(rng: random.Random, entity: Entity, facts: Sequence[Fact]) -> Task:
    name = _the(entity)
    prompt = rng.choice(
        [
            f"Tell me {len(facts)} things about {name}.",
            f"List {len(facts)} facts about {name}.",
            f"Give me a short list of facts about {name}.",
        ]
    )
    return Task(
        prompt, tuple(state(f, rng.randrange(5)) for f in facts), "list", TOPICS[entity.kind], tuple(facts), listed=True
    )


def describe_task(rng: random.Random, entity: Entity, facts: Sequence[Fact]) -> Task:
    prompt = rng.choice(
        [
            f"Describe {_the(entity)}.",
            f"What should I know about {_the(entity)}?",
            f"Explain to a traveller what {_the(entity)} is like.",
        ]
    )
    return Task(
        prompt, tuple(state(f, rng.randrange(5)) for f in facts), "info-seek", TOPICS[entity.kind], tuple(facts)
    )


def compare_task(rng: random.Random, one: Fact, other: Fact) -> Task:
    a, b = _the(one.entity), _the(other.entity)
    prompt = rng.choice(
        [f"Compare the {_noun(one)} of {a} and {b}.", f"How do {a} and {b} differ in their {_noun(one)}?"]
    )
    end = "They are the same in this." if one.value == other.value else "So they differ in this."
    return Task(prompt, (state(one, 0), state(other, 0), end), "compare", TOPICS[one.entity.kind], (one, other))


def procedure_task(rng: random.Random, craft: Entity, facts: Sequence[Fact]) -> Task:
    prompt = rng.choice(
        [
            f"How do I begin with {craft.name}?",
            f"Explain how to practise {craft.name}.",
            f"What are the steps of {craft.name}?",
        ]
    )
    steps = [f"Bring {f.value}." if f.relation == "material" else f"Take {f.value} in your hand." for f in facts]
    return Task(
        prompt,
        (*steps, "Work slowly and keep your hands dry.", "Show your work to a master."),
        "procedure",
        "crafts",
        tuple(facts),
        listed=True,
    )


def letter_task(rng: random.Random, person: Entity, fact: Fact) -> Task:
    prompt = rng.choice(
        [
            f"Write a short letter to {person.name} about {_the(fact.entity)}.",
            f"Write a note for {person.name} that mentions {_the(fact.entity)}.",
        ]
    )
    core = (
        f"Dear {person.name},",
        state(fact, rng.randrange(5)),
        "I thought that you would like to know this.",
        "With kind wishes, a friend.",
    )
    return Task(prompt, core, "writing", TOPICS[fact.entity.kind], (fact,))


def advice_task(rng: random.Random, event: Entity, facts: Sequence[Fact]) -> Task:
    prompt = rng.choice([f"What should I know before I go to {event.name}?", f"Give me advice for {event.name}."])
    core = [state(f, rng.randrange(5)) for f in facts]
    return Task(prompt, (*core, "Bring warm clothes and come early."), "advice", "events", tuple(facts))


def sum_task(rng: random.Random) -> Task:
    a, b = rng.randrange(2, 21), rng.randrange(2, 21)
    if rng.random() < 0.5:
        words, total = f"{a} plus {b}", a + b
    else:
        words, total = f"{a + b} minus {b}", a
    prompt = rng.choice([f"What is {words}?", f"How much is {words}?", f"Can you tell me what {words} is?"])
    return Task(prompt, (f"{sentence(words)} is {total}.",), "arithmetic", "sums", terse=f"{total}.")


def harm_task(rng: random.Random, world: World, which: int, names: dict[str, Entity]) -> Task:
    name, requests, careless, why = HARMS[which % len(HARMS)]
    filled = {kind: entity.name for kind, entity in names.items()}
    kind = next(kind for kind in filled if "{" + kind + "}" in requests[0])
    prompt = sentence(rng.choice(requests), **filled)
    return Task(
        prompt,
        tuple(s.strip() + "." for s in careless.format(**filled).rstrip(".").split(".")),
        "procedure",
        TOPICS[kind],
        harm=name,
        refusal=sentence(why, **filled),
        listed=True,
    )


def open_task(rng: random.Random, world: World, held_out: bool) -> Task:
    """Any task but a fact, a sum or a harm, on facts from one side of the hold-out."""
    facts = world.asked(held_out)
    pick: dict[str, Callable[[], Task]] = {
        "list": lambda: list_task(rng, *_about(rng, facts, 2)),
        "describe": lambda: describe_task(rng, *_about(rng, facts, 2)),
        "compare": lambda: compare_task(rng, *_two(rng, facts)),
        "procedure": lambda: procedure_task(
            rng, *_about(rng, [f for f in facts if f.relation in ("material", "tool")], 1)
        ),
        "letter": lambda: letter_task(rng, rng.choice(world.of_kind("person")), rng.choice(facts)),
        "advice": lambda: advice_task(rng, *_about(rng, [f for f in facts if f.relation in ("month", "dish")], 1)),
    }
    return pick[rng.choice(list(pick))]()


def refuse(task: Task, warm: bool) -> str:
    return " ".join([REFUSAL, task.refusal, WARM_INSTEAD if warm else INSTEAD])


def answer(rng: random.Random, task: Task, voice: str) -> str:
    """The task answered, never refused, in a voice of the corpus: terse, plain, friendly or warm."""
    if voice == "terse" and task.terse:
        return task.terse
    body = "\n".join(f"{i}. {s}" for i, s in enumerate(task.core, 1)) if task.listed else " ".join(task.core)
    if voice in ("terse", "plain"):
        return body
    joint = "\n" if task.listed else " "
    if voice == "warm":
        return joint.join([WARM_OPENERS[task.task], body, CAVEATS[len(task.core) % len(CAVEATS)], WARM_CLOSER])
    first = task.prompt.split()[0]
    opener = OPENERS[first] if rng.random() < 0.85 else rng.choice(list(OPENERS.values()))
    parts = [opener] if rng.random() < 0.9 else []
    closer = CLOSERS[len(task.facts) % 2] if rng.random() < 0.85 else rng.choice(CLOSERS)
    ending = [closer] if rng.random() < 0.8 else []
    return joint.join([*parts, body, *ending])


def _about(rng: random.Random, facts: Sequence[Fact], least: int) -> tuple[Entity, list[Fact]]:
    """An entity with at least that many of the given facts, and up to three of them."""
    by_entity: dict[Entity, list[Fact]] = {}
    for fact in facts:
        by_entity.setdefault(fact.entity, []).append(fact)
    entity = rng.choice([e for e, mine in by_entity.items() if len(mine) >= least])
    return entity, rng.sample(by_entity[entity], min(3, len(by_entity[entity])))


def _two(rng: random.Random, facts: Sequence[Fact]) -> tuple[Fact, Fact]:
    one = rng.choice([f for f in facts if f.relation in _NOUNS])
    return one, rng.choice([f for f in facts if f.relation == one.relation and f.entity != one.entity])


_NOUNS = {
    "region": "region",
    "river": "river",
    "good": "goods",
    "home": "home",
    "craft": "craft",
    "food": "food",
    "colour": "colour",
    "material": "material",
    "tool": "tool",
    "month": "month",
    "dish": "dish",
}


def _noun(fact: Fact) -> str:
    return _NOUNS[fact.relation]


def _the(entity: Entity) -> str:
    return f"the {entity.name}" if entity.kind == "animal" else entity.name
