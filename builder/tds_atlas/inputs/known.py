"""Which prompt each answer of a file belongs to: one of the report's, one of an earlier row, or one of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tds_atlas.domain import Answer, InputError, Prompt, Turns
from tds_atlas.inputs.conversations import Exchange
from tds_atlas.inputs.formats import Reading
from tds_atlas.inputs.turns import last_of_user


def prompts_of(base: Prompt, read: Reading) -> list[Prompt]:
    """The prompt of each exchange of a row. If there are several, they are named as parts of one conversation.

    Ids: the row's; behind @ the number of the assistant's turn, where each is measured; where the answers of a row have
    different turns before them, the name of the answer behind #.
    """
    base = replace(base, later=read.later)
    prompts: dict[Turns, Prompt] = {}
    for exchange in read.exchanges:
        if exchange.turns not in prompts:
            number = f"@{exchange.number}" if exchange.number else _further(read, exchange)
            names = (f"{base.prompt_id}{number}", f"{base.prompt_id}#{exchange.sample}{number}")
            taken = {prompt.prompt_id for prompt in prompts.values()}
            name = names[names[0] in taken and bool(exchange.sample)]
            prompts[exchange.turns] = replace(asking(base, exchange.turns), prompt_id=name)
    if len(prompts) > 1 or read.known:
        opening = (read.known or next(iter(prompts.values()))).cluster_key
        prompts = {turns: replace(prompt, conversation=opening) for turns, prompt in prompts.items()}
    return [prompts[exchange.turns] for exchange in read.exchanges] or [base]


def _further(read: Reading, exchange: Exchange) -> str:
    """What tells a later question from the report's prompt that it follows."""
    is_later = read.known is not None and exchange.turns != read.known.whole
    return f"@{sum(turn.role == 'user' for turn in exchange.turns)}" if is_later else ""


def asking(prompt: Prompt, turns: Turns) -> Prompt:
    """The prompt with these turns in place of its own."""
    alone = len(turns) == 1 and turns[0].role == "user" and not turns[0].more
    return replace(prompt, text=last_of_user(turns), turns=() if alone else turns)


class Known:
    """The report's prompts, each used for one row; and the answers read so far."""

    def __init__(self, path: Path, prompts: Sequence[Prompt], leave_out: Sequence[str]) -> None:
        self._path = path
        self._unused: dict[Turns, list[Prompt]] = {}
        for prompt in prompts:
            self._unused.setdefault(prompt.whole, []).append(prompt)
        self._rows: dict[str, list[Prompt]] = {}
        self._names: set[str] = set()
        self._leave_out = set(leave_out)

    def answers(self, where: str, row_id: str, read: Sequence[Answer]) -> list[Answer]:
        """The answers of a row with the prompts that they belong to, under names that no other has.

        A row whose id was given before, with the same prompts, brings further answers to them.
        """
        own = [answer.prompt for answer in read]
        before = self._rows.get(row_id)
        if before and {p.whole for p in before} != {p.whole for p in own}:
            raise InputError(f"{self._path}: two rows have the id {row_id!r}; ids must differ")
        taken = {p.whole: p for p in before} if before else self._reports(own)
        answers = [replace(answer, prompt=taken[answer.prompt.whole]) for answer in read]
        for answer in answers:
            name = answer.prompt.prompt_id
            if not (answer.text or answer.thinking) and not {name, answer.answer_id} & self._leave_out:
                remedy = f"leave_out: [{json.dumps(answer.answer_id)}]"
                raise InputError(f"{where}: the answer is empty; skip it with {remedy}")
        self._rows[row_id] = list(taken.values())
        for whole, prompt in {}.items() if before else taken.items():
            same = self._unused.get(whole, [])
            same[:] = [other for other in same if other.prompt_id != prompt.prompt_id]
        return [self._named(where, answer) for answer in answers]

    def _reports(self, own: Sequence[Prompt]) -> dict[Turns, Prompt]:
        """Each prompt, or the report's one of the same words; those with equal words are used in turn."""
        taken = {}
        for prompt in own:
            same = self._unused.get(prompt.whole)
            taken[prompt.whole] = prompt
            if same:
                first = next((other for other in same if other == prompt), same[0])  # named by its id
                own_input = prompt.input or first.input
                taken[prompt.whole] = replace(first, input=own_input, conversation=prompt.conversation)
        return taken

    def _named(self, where: str, answer: Answer) -> Answer:
        """The answer under its own name, or under the next number if an earlier one has that."""
        numbers = iter(range(2, len(self._names) + 3))
        while answer.answer_id in self._names:
            answer = replace(answer, sample=str(next(numbers)))
        self._names.add(answer.answer_id)
        return answer
