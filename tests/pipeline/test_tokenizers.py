"""Pairs with two tokenizers: every number of the token path against a loop over tokens in float64, found anew here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tds_atlas.domain import Condition, InputError, Prompt, Response, shift_class
from tds_atlas.inputs.settings import ContextSettings
from tds_atlas.measure.contexts import Frame
from tds_atlas.measure.decode import decode_with_spans
from tds_atlas.measure.retold import Reteller, score_retold
from tds_atlas.measure.side import Side
from tds_atlas.pipeline.ask import ask
from tds_atlas.pipeline.cards import write_cards
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.sides import lazy_models, scorer_of, side_of
from tds_atlas.pipeline.steps import measure
from tds_atlas.record.shards import read_responses
from tds_atlas.stretches import stretches
from tests import tiny
from tests.conftest import PROMPTS
from tests.measure.test_contexts import sentencepiece
from tests.measure.test_spans import written

ASKED = "# Question:\n{prompt}\n\n# Answer:\n"
PATH = """
    SELECT pos, n_tokens, base_pos, base_n_tokens, n_bytes, base_rank, shift, is_base_greedy, is_aligned_greedy,
           base_logprob, aligned_logprob, delta_logprob
    FROM token_path WHERE response_id = $id ORDER BY number"""
TEXTS = {
    "sky": "The sky is blue, and so is the sea.<|end|>",
    "odd": "Thank 🙂 you for 天 asking!",
    "3": "jumps over  the lazy dog.\n\nI hope this helps.",
    "last": "é<|end|>",
}


@pytest.fixture(scope="module")
def project(family: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny pair, a model whose tokenizer is of SentencePiece's kind, and the answers to compare."""
    folder, words = tmp_path_factory.mktemp("tokenizers"), sentencepiece()
    torch.manual_seed(5)
    shape = tiny.shape(len(words), 32, 64, layers=2, heads=4, positions=1024) | {"bos_token_id": 1, "eos_token_id": 2}
    LlamaForCausalLM(LlamaConfig(**shape, initializer_range=0.3)).save_pretrained(folder / "other")
    words.save_pretrained(folder / "other")
    for name in ("base", "sft"):
        (folder / name).symlink_to(family / name)
    rows = [row | {"output": TEXTS[str(row["id"])]} for row in PROMPTS]
    (folder / "answers.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def report(project: Path, name: str = "report.yml", **changes: Any) -> Path:
    """A file of answers under two comparisons: of one tokenizer, and of two."""
    models = {name: {"path": name, "dtype": "float32"} for name in ("base", "sft", "other")}
    sft = {"responses": "theirs", "aligned": {"model": "sft", "context": "chat"}}
    near = sft | {"id": "near", "base": {"model": "base", "context": "plain"}}
    far = sft | {"id": "far", "base": {"model": "other", "context": "plain"}}
    settings = {"name": "two", "title": "Two", "models": models, "comparisons": [near, far]} | {
        "contexts": {"plain": {"kind": "plain", "template": ASKED}, "chat": {"kind": "chat"}},
        "responses": {"theirs": {"path": "answers.json"}},
        "shard_responses": 3,
    }
    (project / name).write_text(yaml.safe_dump(settings | changes), encoding="utf-8")
    return project / name


@pytest.fixture(scope="module")
def measured(project: Path) -> Iterator[Plan]:
    with contextlib.chdir(project):
        plan = read_plan(report(project))
        measure(plan)
        yield plan


def logits(folder: Path, before: str, ids: Sequence[int], begin: str) -> torch.Tensor:
    """[n, V] float64 logits of each of the ids, by a whole pass over the text before it."""
    words, model = PreTrainedTokenizerFast.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    head = [words.get_vocab()[begin], *words(before, add_special_tokens=False)["input_ids"]]
    with torch.inference_mode():
        passes = [model.double()(torch.tensor([[*head, *ids[:i]]])).logits[0, -1] for i in range(len(ids))]
    return torch.stack(passes)


def slowly(project: Path, prompt: str, text: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Each stretch from the bytes that the first n tokens of each side write."""
    words = PreTrainedTokenizerFast.from_pretrained(project / "other")
    own = words(f"\n{text}", add_special_tokens=False)["input_ids"]
    own = own[words.convert_ids_to_tokens(own).index("<0x0A>") + 1 :]
    tuned = PreTrainedTokenizerFast.from_pretrained(project / "sft")
    pieces = [written("bytes", piece) for piece in tuned.convert_ids_to_tokens(list(ids))]
    base_pieces = [written("sentencepiece", piece) for piece in words.convert_ids_to_tokens(own)]
    assert b"".join(pieces).decode() == text
    said = logits(project / "sft", f"<|user|>{prompt}\n<|assistant|>\n", ids, "<|begin|>")
    base_said = logits(project / "other", ASKED.replace("{prompt}", prompt), own, "<s>")
    rows, i, j = list[dict[str, Any]](), 0, 0
    for n in range(1, len(pieces) + 1):
        whole = b"".join(pieces[:n])
        m = next((m for m in range(1, len(own) + 1) if b"".join(base_pieces[:m]) == whole), None)
        if m is not None:
            mine, theirs = [(said[k], ids[k]) for k in range(i, n)], [(base_said[k], own[k]) for k in range(j, m)]
            size = len(b"".join(pieces[i:n]))
            rows.append({"places": (i, n - i, j, m - j, size), "mine": mine, "theirs": theirs})
            i, j = n, m
    return rows


def rank(pair: tuple[torch.Tensor, int]) -> int:
    return 1 + int((pair[0] > pair[0][pair[1]]).sum())


def logprob(pairs: Sequence[tuple[torch.Tensor, int]]) -> float:
    return sum(float(z[i] - z.logsumexp(-1)) for z, i in pairs)


def test_every_number_of_the_token_path(project: Path, measured: Plan) -> None:
    asked = {str(row["id"]): str(row["prompt"]) for row in PROMPTS}
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        answers = con.execute(
            """SELECT response_id, prompt_id, text, list(token_id ORDER BY pos) FILTER (NOT is_end)
               FROM response JOIN "position" USING (response_id) GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
        found = {name: con.execute(PATH, {"id": name}).fetchall() for name, *_ in answers}
    counted = set()
    for name, prompt_id, text, ids in answers:
        rows = slowly(project, asked[prompt_id], text, ids)
        for row, (*places, base_rank, shift, greedy, own_greedy, base, own, delta) in zip(
            rows, found[name], strict=True
        ):
            counted.add(row["places"][1::2])
            assert tuple(places) == row["places"]
            assert base == pytest.approx(logprob(row["theirs"]), abs=2e-4)
            assert own == pytest.approx(logprob(row["mine"]), abs=2e-4) and delta == own - base
            assert greedy == all(rank(pair) == 1 for pair in row["theirs"])
            assert own_greedy == all(rank(pair) == 1 for pair in row["mine"])
            expected = rank(row["theirs"][0]) if places[1] == places[3] == 1 else None
            assert base_rank == expected and shift == (expected and shift_class(expected))
    assert {(1, 1)} < counted and any(n > m for n, m in counted) and any(n < m for n, m in counted), counted


def test_the_ordinary_views_hold_the_other_comparison_alone(measured: Plan) -> None:
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        kinds = con.execute("SELECT comparison_id, kind FROM comparison ORDER BY ordinal").fetchall()
        of_views = con.execute("SELECT DISTINCT comparison_id, condition_id FROM tds, score ORDER BY ALL").fetchall()
        compared = con.execute(
            "SELECT DISTINCT comparison_id FROM divergence UNION FROM (SELECT comparison_id FROM example)"
        )
        assert compared.fetchall() == [("near",)]
        cover = """SELECT prompt_id, compared_bytes = n_bytes, one_to_one_bytes = n_bytes, n_tokens - compared_tokens
                   FROM token_path_cover ORDER BY ALL"""
        assert con.execute(cover).fetchall() == [
            ("3", True, False, 0),
            ("last", True, True, 1),  # two bytes of é, one-to-one, and the end token, which is not compared
            ("odd", True, False, 0),
            ("sky", True, False, 1),
        ]
        token = con.execute(
            "SELECT token FROM stretch_token WHERE side = 'base' AND number = 1 ORDER BY ALL"
        ).fetchall()
    assert kinds == [("near", "tuning"), ("far", "tokenizers")]
    assert of_views == [("near", "base·plain"), ("near", "sft·chat")]
    assert ("T",) in token


def test_one_tokenizer_by_stretches_gives_the_ordinary_numbers(measured: Plan) -> None:
    """The same ids and ranks, and of each token the same log-probability."""
    base = measured.report.all_comparisons[0].base
    side = side_of(measured, lazy_models(measured)(), base)
    reteller, scorer = Reteller(side, side.frame.tokenizer), scorer_of(measured, [side], ())
    sql = """SELECT response_id, list(token_id ORDER BY pos), list(base_rank ORDER BY pos), list(shift ORDER BY pos),
                    list(base_logprob ORDER BY pos)
             FROM tds WHERE NOT is_end GROUP BY ALL"""
    with duckdb.connect("data/tds.duckdb", read_only=True) as con:
        ordinary = {name: rest for name, *rest in con.execute(sql).fetchall()}
    responses = [r for _, shard in measured.response_shards() for r in read_responses(shard)]
    prompts = {r.response_id: measured.prompts[r.prompt_id] for r in responses}
    told = score_retold(scorer, reteller.retell(responses, prompts), prompts)
    assert len(told) == len(ordinary) == 4
    for one in told:
        ids, ranks, shifts, logprobs = ordinary[one.response.response_id]
        assert one.score is not None and list(one.response.token_ids) == ids
        assert [(s.tokens, s.base_tokens) for s in stretches(one.written, one.ends)] == [(1, 1)] * len(ids)
        assert one.score.rank.tolist() == ranks and [shift_class(rank) for rank in ranks] == shifts
        assert one.score.logprob.tolist() == pytest.approx(logprobs, abs=1e-5)


def test_it_is_said_and_what_needs_one_vocabulary_refused(
    project: Path, measured: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    (said,) = (line for line in check(measured) if "comparison far" in line)
    expected = "two tokenizers, compared by stretches of bytes: id 5 is '<0x02>' in other and '!' in sft"
    assert f"other·plain against sft·chat, {expected}" in said
    measured.cards().folder.rename(project / "aside")
    write_cards(measured, lazy_models(measured))
    assert expected in capsys.readouterr().err
    with pytest.raises(InputError, match=r"report.yml: comparison far: two tokenizers.*; `tds show` needs one"):
        ask(measured, lazy_models(measured), "Hi", "far")
    swap = {"swap": {"comparisons": ["far"], "shares": [0.3], "prompts": 1, "max_new_tokens": 2}}
    (project / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROMPTS), encoding="utf-8")
    plan = read_plan(report(project, "swap.yml", probes=swap, prompts={"path": "prompts.jsonl"}))
    with pytest.raises(InputError, match=r"probes.swap.comparisons: the models of far have different vocabularies"):
        list(check(plan))
    sides = {"base": {"model": "other", "context": "plain"}, "aligned": {"model": "other", "context": "plain"}}
    third = [*yaml.safe_load((project / "report.yml").read_text())["comparisons"], sides | {"id": "own"}]
    plan = read_plan(report(project, "third.yml", comparisons=[c | {"responses": "theirs"} for c in third]))
    problem = r"comparison own: the answers of theirs are tokens of model sft, and model other has another vocabulary"
    with pytest.raises(InputError, match=problem):
        list(check(plan))


def test_a_yardstick_of_another_vocabulary_is_refused(project: Path) -> None:
    (project / "texts.jsonl").write_text('{"text": "The sea is blue."}', encoding="utf-8")
    side = {"model": "other", "context": "plain"}
    near = yaml.safe_load(report(project, "near.yml").read_text(encoding="utf-8"))["comparisons"][0]
    changes = {
        "responses": {name: {"path": "answers.json"} for name in ("theirs", "ours")},
        "comparisons": [near, {"id": "own", "base": side, "aligned": side, "responses": "ours"}],
        "probes": {"fingerprint": {"comparisons": ["near", "own"], "path": "texts.jsonl", "against": "near"}},
    }
    problem = r"probes.fingerprint.against: near has another vocabulary than own \(id 5 is .*\); take own out"
    with pytest.raises(InputError, match=problem):
        list(check(read_plan(report(project, "own.yml", **changes))))


def test_an_answer_cut_off_within_a_character_is_told_up_to_it(project: Path) -> None:
    tuned = tiny.tokenizer()
    frame = Frame("plain", ContextSettings(kind="plain", template=ASKED), sentencepiece())
    reteller = Reteller(Side(Condition("other", "plain"), frame, None), tuned)  # type: ignore[arg-type]
    ids = tuned("so 天", add_special_tokens=False)["input_ids"]
    text, spans = decode_with_spans(tuned, ids[:-1])
    response = Response("a/b", "b", "a", None, text, tuple(ids[:-1]), spans, False, "length")
    (told,) = reteller.retell([response], {"a/b": Prompt("b", "Why?", "s")})
    assert text == "so \ufffd" and told.response.text == "so " and told.ends[-1] == told.written[-1] == 3
    with pytest.raises(InputError, match=r"a/b: the tokenizer .* does not write the bytes of this answer"):
        reteller.retell([replace(response, text="So \ufffd")], {"a/b": Prompt("b", "Why?", "s")})
    assert (
        reteller.retell(
            [Response("a/b", "b", "a", None, "", (1,), ((0, 0),), True, "stop")], {"a/b": Prompt("b", "?", "s")}
        )
        == []
    )


def test_an_answer_too_long_in_the_tokens_of_the_base_is_passed_over(project: Path) -> None:
    rows = [row | {"output": ("Thank" if i else "Thank you") * (400 if i else 1)} for i, row in enumerate(PROMPTS[:2])]
    (project / "long.json").write_text(json.dumps(rows), encoding="utf-8")
    path = report(project, "long.yml", responses={"theirs": {"path": "long.json", "on_error": "skip"}})
    (line,) = (line for line in check(read_plan(path)) if "exceed" in line)
    assert "long.json: row 2: " in line and "tokens in other·plain and 1" in line
