"""Roles: hand-made cases, the default file on real phrases, and one clear line for a broken file."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.roles import DEFAULT, Roles, read_roles, states
from tds_atlas.record.judgements import judged


def by_words(roles: Roles, text: str, truths: tuple[str, ...] = (), prompt: str = "") -> dict[str, str]:
    """The role of each word of a text whose words differ."""
    spans, start = [], 0
    for word in text.split(" "):
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return dict(zip(text.split(" "), roles.of(text, tuple(spans), truths, False, prompt), strict=True))


def test_phrases_truths_glue_and_content() -> None:
    roles = Roles(("I cannot help",), ("You asked about *, so here it is", "Sure!"))
    assert by_words(roles, "Sure! You asked about old Bar Harbour, so here it is : green", ("Bar Harbour",)) == {
        "Sure!": "style",
        "You": "style",
        "asked": "style",
        "about": "style",
        "old": "content",  # what matches * keeps its own role
        "Bar": "knowledge",
        "Harbour,": "knowledge",
        "so": "style",
        "here": "style",
        "it": "style",
        "is": "style",
        ":": "glue",
        "green": "content",
    }
    assert by_words(roles, "and i CANNOT\thelp you") == {
        "and": "glue",
        "i": "safety",
        "CANNOT\thelp": "safety",
        "you": "glue",
    }
    assert by_words(Roles(), "Surely I cannot") == {"Surely": "content", "I": "glue", "cannot": "content"}


def test_another_value_in_the_place_of_a_truth_is_a_mistake() -> None:
    roles = Roles(style=("it may vary",), values=("small fish", "smoked trout", "May", "Bar"))
    truths, text = ("smoked trout",), "Small fish and smoked trout from Bar in May may vary"
    right = {"smoked": "knowledge", "trout": "knowledge"}
    wrong = {"Small": "mistake", "fish": "mistake", "May": "mistake"}
    rest = {"and": "glue", "from": "glue", "in": "glue", "may": "glue", "vary": "content"}
    assert by_words(roles, text, truths, "What do they eat in Bar?") == right | wrong | rest | {"Bar": "content"}
    assert by_words(roles, text, truths)["Bar"] == by_words(roles, text, truths, "In Barford?")["Bar"] == "mistake"
    assert "mistake" not in by_words(roles, text).values()  # no truth is known
    assert "mistake" not in by_words(Roles(), text, truths).values()


def test_pieces_of_a_word_have_its_role_and_the_end_its_own() -> None:
    text = "Harbour\n"
    spans = ((0, 3), (3, 7), (7, 8), (8, 8), (8, 8))
    assert Roles().of(text, spans, (), True) == ["content", "content", "glue", "glue", "end"]
    assert Roles().of(text, spans, ("bour",), False)[:2] == ["content", "content"]  # a truth is whole words


def test_a_truth_is_stated_as_whole_words() -> None:
    assert states("It lies in May.", ("may",)) is True and states("It may.", ("May 4",)) is False
    assert states("Maybe", ("may",)) is False and states("anything", ()) is None


@pytest.mark.parametrize("phrase", ["a * b * c * d * e * f * q", "a" + " *" * 40 + " q", "*" * 20 + "q"])
def test_many_wildcards_take_no_time(phrase: str) -> None:
    text, start = "a b c d e f g h " * 300, time.monotonic()
    assert not Roles((phrase,)).refuses(text) and Roles((phrase, "a * c * q")).refuses("a b c d e f q")
    assert time.monotonic() - start < 1


def test_the_default_file_knows_how_assistants_speak() -> None:
    roles = read_roles(DEFAULT)
    assert roles.refuses("I'm sorry, but I can't help with that.") and not roles.refuses("It cannot rain in here.")
    assert 0.4 < roles.style_share("I hope this helps! Goodbye") < 0.9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("style: [1]", "style: each entry must be a phrase"),
        ("tone: [x]", "keys safety, style and values"),
        ("values: [' ']", "values: each entry must be a phrase"),
        ("safety: ['*']", "safety: each entry must be a phrase"),
        ("[", "not valid YAML"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "roles.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as error:
        read_roles(tmp_path / "roles.yml")
    assert "\n" not in str(error.value) and "roles.yml" in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_roles(tmp_path / "none.yml")


def test_what_a_probe_wrote_is_judged_by_roles_and_truths() -> None:
    roles, truths = Roles(("I cannot",), ("Sure!",)), {"a": ("blue",), "b": ()}
    rows = [
        {"prompt_id": "a", "text": "Sure! It is Blue."},
        {"prompt_id": "b", "text": "I cannot."},
        {"prompt_id": "b", "text": ""},
    ]
    found = [(r["is_right"], r["refuses"], r["style_share"]) for r in judged("swap", rows, roles, truths)]
    assert found == [(True, False, 5 / 17), (None, True, 0), (None, False, 0)]
    opening = {"opening": "I", "opening_logprob": -1.0, "base_opening_logprob": -2.0, "opening_likeliest": True}
    rows = [
        opening | {"prompt_id": p, "k": k, "said": said}
        for p, k, said in (("a", 0, "I cannot"), ("a", 1, "Go"), ("b", 0, "Go"))
    ]
    found = [(r["refuses"], r["opening"], r["opening_logprob"]) for r in judged("prefill", rows, roles, truths)]
    assert found == [(True, "I", -1.0), (False, "I", -1.0), (False, None, None)]
