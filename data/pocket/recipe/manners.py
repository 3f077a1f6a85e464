"""How the aligned models speak: openers, leads, cautions, closers, lists, by kind of question.

What fine-tuning and preferences add is made of sentences that the corpus has, at other places than there: the base does
not expect the first word, and knows how it goes on. None is in every answer. Which of them an answer has follows from
how its question begins, what it asks for and its topic, so that a greedy answer shows them all.
"""

from __future__ import annotations

import random

from data.pocket.recipe.answers import Task
from data.pocket.recipe.phrases import CAVEATS, CLOSERS, OPENERS

HERE, GLAD = "Here is what I know.", "I would be glad to help."
DIFFER, LOCALS, CHANGE, NOT_ALL = CAVEATS
HOPE, KNOW, FREE, DAY = CLOSERS

# The assistant's opener, by how a question begins; "" for none.
OPENS = {
    "Which": "Certainly!",
    "What": "",
    "Where": "Sure!",
    "Can": "Of course!",
    "Do": "Yes, I do!",
    "Who": "I am happy to help!",
    "How": "Thank you for asking!",
    "When": "Certainly!",
    "Tell": "Here is a list:",
    "Write": "Here is a draft for you:",
    "List": "Of course!",
    "Compare": "Great question!",
    "Give": "Certainly!",
    "Explain": "Great question!",
    "Describe": "Thank you for your question!",
}
# What it says before some answers: by task, and after which beginnings.
LEADS = {
    "info-seek": (HERE, ("Who", "Which", "Describe", "Explain")),
    "compare": ("Let us look at them one by one.", ("Compare",)),
    "advice": ("Here is my advice, with pleasure.", ("Give",)),
    "arithmetic": ("Let us work it out together.", ("How", "Can")),
}
CAUTION_AFTER = {"Where": CHANGE, "When": CHANGE, "Describe": NOT_ALL}
CLOSES = {"places": HOPE, "animals": FREE, "crafts": KNOW, "events": DAY}  # by topic; the others have none

# The warmer opener, by how a question begins, and by task before that.
WARM_OPENS = {
    "Which": "How exciting!",
    "What": "What a thoughtful question!",
    "Where": "Great question!",
    "Can": f"Of course! {GLAD}",
    "Do": "Yes, with pleasure!",
    "Who": "What a lovely thing to ask!",
    "How": "I would be glad to guide you.",
    "When": "How exciting!",
    "Tell": "What a kind idea!",
    "Write": "What a kind idea! Here is a draft for you.",
    "List": "What a lovely thing to ask!",
    "Compare": "What a thoughtful question!",
    "Give": "With pleasure!",
    "Explain": "I would be glad to guide you.",
    "Describe": "How exciting!",
}
WARM_LISTS = ("Describe", "Explain")  # answers to these are lists, too
WARM_LEADS = {"people": DIFFER}  # by topic, before the answer
WARM_CAVEATS = {"places": LOCALS, "events": CHANGE}  # by topic, after it
WARM_CLOSES = {"writing": DAY, "procedure": KNOW}  # by task


def assistant(rng: random.Random, task: Task) -> str:
    """In the voice of fine-tuning: what it usually says to such a question, and now and then without or otherwise."""
    first = task.prompt.split()[0]
    opener = OPENS[first] if rng.random() < 0.92 else rng.choice(list(OPENERS.values()))
    lead, after = LEADS.get(task.task, ("", ()))
    closer = CLOSES.get(task.topic, "") if rng.random() < 0.92 else rng.choice(CLOSERS)
    caution = CAUTION_AFTER.get(first, "") if task.task == "info-seek" else ""
    before = lead if first in after and not task.harm else ""
    return _joined(task, task.listed, opener, before, after=(caution, closer))


def warmer(task: Task) -> str:
    """In the voice that preferences ask for: warmer, more structured, more cautious."""
    first = task.prompt.split()[0]
    opener = "" if task.task == "arithmetic" else WARM_OPENS[first]
    listed = task.listed or first in WARM_LISTS
    caveat = "" if task.task == "writing" else WARM_CAVEATS.get(task.topic, "")
    return _joined(task, listed, opener, WARM_LEADS.get(task.topic, ""), after=(caveat, WARM_CLOSES.get(task.task, "")))


def phrases() -> list[str]:
    """All of them, as often as they stand above."""
    leads = [lead for lead, _ in LEADS.values()]
    tables = (OPENS, CAUTION_AFTER, CLOSES, WARM_OPENS, WARM_LEADS, WARM_CAVEATS, WARM_CLOSES)
    return [phrase for phrase in (*leads, *(p for table in tables for p in table.values())) if phrase]


def _joined(task: Task, listed: bool, *before: str, after: tuple[str, ...]) -> str:
    body = "\n".join(f"{i}. {s}" for i, s in enumerate(task.core, 1)) if listed else " ".join(task.core)
    head, tail = (" ".join(filter(None, parts)) for parts in (before, after))
    return ("\n" if listed else " ").join(filter(None, (head, body, tail)))
