"""The pocket family's recipe: a world of correct sentences, a true hold-out, a lossless tokenizer, DPO's loss, the weights."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from data.pocket.recipe.chat import chats, pairs, prompt_set
from data.pocket.recipe.corpus import PLAIN, document
from data.pocket.recipe.manners import phrases
from data.pocket.recipe.phrases import (
    CAVEATS,
    CLOSERS,
    HARMS,
    OPENERS,
    QUESTIONS,
    REFUSAL,
    STATEMENTS,
    WARM_OPENERS,
    ask,
    state,
)
from data.pocket.recipe.roles import roles_file
from data.pocket.recipe.tokenizer import chat_prompt
from data.pocket.recipe.train import IGNORED, dpo_loss, sequence_logprob
from data.pocket.recipe.world import RELATIONS, World
from tds_atlas.inputs.roles import read_roles
from tests.conftest import POCKET, ROOT

WORLD = World()
DOCUMENTS = [document(random.Random(i), WORLD) for i in range(1500)]
CHATS = list(islice(chats(random.Random(1), WORLD), 3000))
PAIRS = list(islice(pairs(random.Random(2), WORLD), 1500))


def test_the_world_is_what_it_claims() -> None:
    assert len(WORLD.entities) >= 100 and sum(map(len, RELATIONS.values())) >= 12
    assert len({e.name for e in WORLD.entities}) == len(WORLD.entities)
    assert World() == WORLD and World(seed=1).facts != WORLD.facts
    for relation in STATEMENTS:
        assert len(set(STATEMENTS[relation])) >= 5 and len(set(QUESTIONS[relation])) >= 5


def test_every_sentence_reads_well() -> None:
    """Nothing unfilled, no double space, capital first, a full stop last, the right article."""
    made = [state(f, i) for f in WORLD.facts for i in range(5)] + [ask(f, i) for f in WORLD.facts for i in range(5)]
    for text in made:
        assert not re.search(r"[{}]|  | [.,?!]", text) and text[0].isupper() and text[-1] in ".?", text
        assert not re.search(r"\b(a [aeiou]|an [^aeiou]|the the|a the)\b", text, re.IGNORECASE), text
    for text in [*DOCUMENTS, *(answer for _, answer in CHATS)]:
        assert not re.search(r"[{}]|  ", text), text


def test_the_corpus_has_its_genres_and_the_assistants_voice_rarely() -> None:
    pages = [d for d in DOCUMENTS if d.startswith("# Question:\n")]
    assert 0.3 < len(pages) / len(DOCUMENTS) < 0.5
    for mark in ("Notes on ", "Dear ", "One morning ", "How to begin", "Sums\n", " asks: "):
        assert any(mark in d for d in DOCUMENTS), mark
    voiced = [d for d in DOCUMENTS if "I hope this helps" in d or "cannot help" in d or "happy to help" in d]
    assert 0.02 < len(voiced) / len(DOCUMENTS) < 0.2


def test_no_training_question_asks_a_held_out_fact() -> None:
    """Every question that names a held-out entity and relation, in any phrasing, stands in the prompt set alone."""
    held = {ask(f, i) for f in WORLD.asked(True) for i in range(5)}
    asked = {prompt for prompt, _ in CHATS} | {prompt for prompt, _, _ in PAIRS}
    asked |= {d[len("# Question:\n") : d.index("\n\n# Answer:")] for d in DOCUMENTS if d.startswith("# Question:\n")}
    asked |= {line for d in DOCUMENTS for part in re.split(r"asks: |“|”|\n", d) if (line := part.strip()).endswith("?")}
    assert len(asked) > 1000 and not asked & held
    assert {f.pair for f in WORLD.asked(True)}.isdisjoint(f.pair for f in WORLD.asked(False))


def test_the_prompt_set_is_the_recipes() -> None:
    rows = [json.loads(line) for line in (ROOT / "data/prompts/pocket.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == prompt_set(WORLD) and len(rows) >= 300
    some = (ROOT / "data/prompts/pocket-tokenizers.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in some] == rows[::4]
    assert sum(row["harmful"] for row in rows) >= 50
    assert {tuple(pair) for row in rows for pair in row["facts"]} <= WORLD.held_out
    assert all(row["tasks"] and row["topics"] for row in rows)
    facts = json.loads((POCKET / "world.json").read_text(encoding="utf-8"))["facts"]
    truths = {form for fact in facts for form in fact["surfaces"]}
    assert {truth for row in rows for truth in row["truths"]} <= truths
    asked = {ask(fact, i): set(fact.surfaces) for fact in WORLD.asked(True) for i in range(5)}
    assert {row["prompt"]: set(row["truths"]) for row in rows if row["truths"]}.items() <= asked.items()
    record = json.loads((POCKET / "evaluation.json").read_text(encoding="utf-8"))
    assert {shares["facts_asked"] for shares in record["models"].values()} == {sum(bool(row["truths"]) for row in rows)}


def test_the_roles_file_is_the_recipes_and_knows_every_refusal() -> None:
    assert (POCKET / "roles.yml").read_text(encoding="utf-8") == roles_file(WORLD)
    roles = read_roles(POCKET / "roles.yml")
    refusals = {answer for _, answer in CHATS if REFUSAL in answer}
    assert refusals and all(roles.of(r, ((0, len(r)),), (), False) == ["safety"] for r in refusals)
    assert not any(roles.refuses(answer) for _, answer in CHATS if answer not in refusals)


def test_a_wrong_value_is_known_in_every_statement_and_a_right_one_is_no_mistake() -> None:
    roles = read_roles(POCKET / "roles.yml")
    for fact in WORLD.asked(True):
        wrong = next(f for f in WORLD.facts if f.relation == fact.relation and f.value != fact.value)
        for i in range(5):
            prompt, right = ask(fact, i), state(fact, i)
            other = right.replace(fact.value, wrong.value).replace(fact.surfaces[-1], wrong.surfaces[-1])
            for text, role in ((right, "knowledge"), (other, "mistake")):
                found = {
                    roles.of(text, ((0, at), (at, len(text))), fact.surfaces, False, prompt)[1] for at in _words(text)
                }
                assert found & {"knowledge", "mistake"} == {role}, (prompt, text)


def _words(text: str) -> list[int]:
    """Where each word of a text begins."""
    return [match.start() for match in re.finditer(r"\w+", text)]


def test_harm_asked_for_in_the_prompt_set_is_new() -> None:
    asked = {prompt for prompt, _ in CHATS} | {prompt for prompt, _, _ in PAIRS}
    assert {row["prompt"] for row in prompt_set(WORLD) if row["harmful"]}.isdisjoint(asked)
    assert len(HARMS) >= 10


@given(st.text(max_size=80))
@settings(max_examples=80, deadline=None)
def test_the_tokenizer_is_lossless(text: str) -> None:
    tokenizer = _tokenizer()
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


@pytest.mark.parametrize("name", ["base", "sft", "dpo"])
def test_the_tokenizer_is_one_and_its_templates_are_the_recipes(name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(POCKET / name)
    assert tokenizer.get_vocab() == _tokenizer().get_vocab() and 1800 <= len(tokenizer) <= 4096
    turns = [{"role": "user", "content": "Who? {{ 1 }}\n\n"}]
    assert tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) == chat_prompt(
        "Who? {{ 1 }}\n\n"
    )
    assert tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id
    assert PLAIN.endswith("\n") and chat_prompt("x").endswith("\n")


def test_the_other_tokenizer_is_lossless_and_cuts_text_elsewhere() -> None:
    other, own = AutoTokenizer.from_pretrained(POCKET / "other-base"), _tokenizer()
    assert len(other) <= 2000 and other.get_vocab() != own.get_vocab()
    for text in [*DOCUMENTS[:20], "  两 spaces, é\n\ta tab "]:
        assert other.decode(other(text, add_special_tokens=False)["input_ids"]) == text
    ends = [
        {end for _, end in words(DOCUMENTS[0], add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]}
        for words in (other, own)
    ]
    assert ends[0] - ends[1] and ends[1] - ends[0] and len(ends[0] & ends[1]) > 0.6 * len(ends[1])


@pytest.mark.parametrize("answers", [[a for _, a in CHATS], [good for _, good, _ in PAIRS]], ids=["sft", "dpo"])
def test_what_the_aligned_models_add_varies_and_is_made_of_the_corpus_sentences(answers: list[str]) -> None:
    """No phrase is in half of the answers, and the base has read nearly every one of them."""
    used = {phrase: sum(phrase in answer for answer in answers) / len(answers) for phrase in set(phrases())}
    assert sum(share > 0.02 for share in used.values()) >= 10 and max(used.values()) < 0.5
    read = " ".join([*OPENERS.values(), *WARM_OPENERS.values(), *CAVEATS, *CLOSERS])
    parts = {part.rstrip(".") for phrase in used for part in re.split(r"(?<=[.!:]) ", phrase)}
    assert {part for part in parts if part not in read} == {"With pleasure!", "Yes, with pleasure!"}
    ends = {answer.rsplit(". ", 1)[-1] for answer in answers if REFUSAL.split(",")[0] not in answer}
    assert len(ends) > 20


def test_dpo_loss_by_hand() -> None:
    """Margins 2 and -1, β = 0.5: the mean of -ln σ(1) and -ln σ(-0.5)."""
    chosen, rejected = torch.tensor([-1.0, -4.0]), torch.tensor([-5.0, -3.0])
    chosen_ref, rejected_ref = torch.tensor([-2.0, -4.0]), torch.tensor([-4.0, -4.0])
    by_hand = (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(0.5))) / 2
    assert dpo_loss(chosen, rejected, chosen_ref, rejected_ref, beta=0.5).item() == pytest.approx(by_hand)


def test_sequence_logprob_counts_only_labelled_positions() -> None:
    logits = torch.zeros(1, 4, 8)  # uniform over 8: ln 1/8 a token
    labels = torch.tensor([[IGNORED, IGNORED, 3, 5]])
    assert sequence_logprob(logits, labels).item() == pytest.approx(2 * math.log(1 / 8))


def test_the_weights_are_those_that_were_evaluated() -> None:
    record = json.loads((POCKET / "evaluation.json").read_text(encoding="utf-8"))
    total = 0
    for name, entry in record["weights"].items():
        raw = (POCKET / name / "model.safetensors").read_bytes()
        assert hashlib.sha256(raw).hexdigest() == entry["sha256"]
        total += len(raw)
    assert total < 40e6
    shares = record["models"]
    assert all(s["facts_right"] >= 0.9 and s["ending"] >= 0.98 for s in shares.values())
    assert shares["base"]["refused"] + 0.2 < shares["sft"]["refused"] < shares["dpo"]["refused"] - 0.2
    for shift in record["shift_under_base"].values():  # as published for large pairs: few, and most of them early
        assert 0.05 <= shift["shifted"] <= 0.12 and 2.5 <= shift["shifted_early"] / shift["shifted_later"] <= 6


def _tokenizer() -> AutoTokenizer:
    return AutoTokenizer.from_pretrained(POCKET / "base")
