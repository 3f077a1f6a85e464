"""The closed world: entities with names of their own, and the facts that hold between them. Knows no sentence."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property

SEED = 20_261
HELD_OUT_SHARE = 0.28  # of the facts of each relation: asked in the prompt set, never in a training question

_ONSETS = [
    "b",
    "br",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gl",
    "h",
    "k",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "sk",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = ["a", "e", "i", "o", "u", "ae", "ei", "ou"]
_CODAS = ["l", "ld", "m", "n", "nd", "r", "rn", "sk", "st", "th", "v", "x"]
_PLACE_ENDS = ["mere", "ford", "wick", "holm", "dale", "stead", "haven", "gate"]
_COUNTS = {"place": 30, "person": 34, "animal": 22, "craft": 18, "event": 16}

REGIONS = ["the Amber Hills", "the Low Fens", "the Glass Coast", "the Red Moor", "the Long Valley", "the Pine March"]
RIVERS = ["the Orrel", "the Tansy", "the Brack", "the Mewl", "the Sedgewater", "the Old Lark", "the Quill", "the Wend"]
GOODS = [
    "blue clay",
    "salted plums",
    "wool blankets",
    "copper bells",
    "smoked trout",
    "rye bread",
    "glass beads",
    "beeswax candles",
    "pear cider",
    "oak barrels",
    "silver thread",
    "dried mushrooms",
    "painted tiles",
    "goat cheese",
    "rope sandals",
    "black ink",
    "honey cakes",
    "river pearls",
    "paper lanterns",
    "bone flutes",
]
HABITATS = [
    "reed beds",
    "old chimneys",
    "pine forests",
    "sea caves",
    "wet meadows",
    "stone walls",
    "deep lakes",
    "dry hills",
]
FOODS = ["clover", "beetles", "acorns", "small fish", "moss", "wild berries", "snails", "pine seeds", "water lilies"]
COLOURS = ["grey", "rust red", "snow white", "dark green", "golden", "pale blue", "black", "spotted brown"]
MATERIALS = [
    "willow twigs",
    "soft tin",
    "river clay",
    "horse hair",
    "birch bark",
    "raw silk",
    "slate",
    "sheep horn",
    "flax",
    "old glass",
]
TOOLS = [
    "a bent needle",
    "a wooden mallet",
    "a hot iron",
    "a fine comb",
    "a curved knife",
    "a foot wheel",
    "a brass stamp",
    "a bone awl",
    "a hand saw",
    "a stone mould",
]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DISHES = [
    "barley soup",
    "apple dumplings",
    "fried eel",
    "nettle pie",
    "pepper stew",
    "plum tart",
    "onion bread",
    "baked pike",
    "chestnut cake",
    "cabbage rolls",
]

# kind -> relation -> where its values come from: a list above, or a kind of entity
RELATIONS: dict[str, dict[str, list[str] | str]] = {
    "place": {"region": REGIONS, "river": RIVERS, "good": GOODS, "founder": "person"},
    "person": {"home": "place", "craft": "craft", "companion": "animal"},
    "animal": {"habitat": HABITATS, "food": FOODS, "colour": COLOURS},
    "craft": {"material": MATERIALS, "tool": TOOLS, "origin": "place"},
    "event": {"venue": "place", "month": MONTHS, "dish": DISHES},
}
TOPICS = {"place": "places", "person": "people", "animal": "animals", "craft": "crafts", "event": "events"}


@dataclass(frozen=True)
class Entity:
    kind: str
    name: str  # as it stands in a sentence: "Brandmere", "vorrick", "skolding", "the Feast of Embers"


@dataclass(frozen=True)
class Fact:
    entity: Entity
    relation: str
    value: str  # as it stands in a sentence

    @property
    def surfaces(self) -> tuple[str, ...]:
        """How the value may stand in an answer: as it is, and at the beginning of a sentence."""
        return tuple(dict.fromkeys((self.value, self.value[0].upper() + self.value[1:])))

    @property
    def pair(self) -> tuple[str, str]:
        return self.entity.name, self.relation


@dataclass(frozen=True)
class World:
    """Everything that is so; `instead` gives other values to some facts, by their pair."""

    seed: int = SEED
    instead: frozenset[tuple[tuple[str, str], str]] = frozenset()
    entities: tuple[Entity, ...] = field(init=False)
    facts: tuple[Fact, ...] = field(init=False)
    held_out: frozenset[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        rng = random.Random(self.seed)
        names = _names(rng)
        entities = tuple(Entity(kind, name) for kind in _COUNTS for name in names[kind])
        facts = tuple(
            Fact(e, relation, _value(rng, source, names, e.name))
            for e in entities
            for relation, source in RELATIONS[e.kind].items()
        )
        other = dict(self.instead)
        facts = tuple(Fact(f.entity, f.relation, other.get(f.pair, f.value)) for f in facts)
        object.__setattr__(self, "entities", entities)
        object.__setattr__(self, "facts", facts)
        object.__setattr__(self, "held_out", _held_out(rng, facts))

    @cached_property
    def by_entity(self) -> dict[Entity, dict[str, Fact]]:
        table: dict[Entity, dict[str, Fact]] = {e: {} for e in self.entities}
        for fact in self.facts:
            table[fact.entity][fact.relation] = fact
        return table

    def of_kind(self, kind: str) -> list[Entity]:
        return [e for e in self.entities if e.kind == kind]

    def values(self, fact: Fact) -> set[str]:
        """Every value that the fact's relation takes anywhere in this world."""
        return {f.value for f in self.facts if f.relation == fact.relation}

    def asked(self, held_out: bool) -> list[Fact]:
        """The facts that only the prompt set may ask, or those that training may."""
        return [f for f in self.facts if (f.pair in self.held_out) == held_out]


def _names(rng: random.Random) -> dict[str, list[str]]:
    """Names by kind; no two begin alike, so that none can be taken for another."""
    used: set[str] = set()

    def word(syllables: int) -> str:
        while True:
            text = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)) + rng.choice(_CODAS)
            if text[:4] not in used and 4 <= len(text) <= 9:
                used.add(text[:4])
                return text

    feasts = ["Feast of", "Night of", "Fair of", "Day of"]
    embers = [
        "Embers",
        "Lanterns",
        "Reeds",
        "Kites",
        "Salt",
        "Masks",
        "Wheels",
        "Doves",
        "Ropes",
        "Mirrors",
        "Stones",
        "Drums",
        "Ribbons",
        "Bells",
        "Apples",
        "Shadows",
    ]
    return {
        "place": [(word(1) + _PLACE_ENDS[i % len(_PLACE_ENDS)]).capitalize() for i in range(_COUNTS["place"])],
        "person": [f"{word(1).capitalize()} {word(2).capitalize()}" for _ in range(_COUNTS["person"])],
        "animal": [word(1) + "ick" for _ in range(_COUNTS["animal"])],
        "craft": [word(1) + "ing" for _ in range(_COUNTS["craft"])],
        "event": [f"the {feasts[i % 4]} {noun}" for i, noun in enumerate(embers[: _COUNTS["event"]])],
    }


def _value(rng: random.Random, source: list[str] | str, names: dict[str, list[str]], own: str) -> str:
    values = names[source] if isinstance(source, str) else source
    return rng.choice([v for v in values if v != own])


def _held_out(rng: random.Random, facts: tuple[Fact, ...]) -> frozenset[tuple[str, str]]:
    """The same share of every relation."""
    pairs: set[tuple[str, str]] = set()
    for relation in {f.relation: None for f in facts}:
        mine = [f.pair for f in facts if f.relation == relation]
        pairs.update(rng.sample(mine, round(len(mine) * HELD_OUT_SHARE)))
    return frozenset(pairs)
