"""Two models compared from Python, on the pocket family: as folders, in memory, as adapters; and what cannot be."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

import tds_atlas as tds
from tds_atlas.cli.exits import run
from tds_atlas.cli.main import app
from tests.conftest import POCKET

ASKED = ["Who are you?", {"id": "sum", "prompt": "What is 2 plus 3?", "tasks": ["sums"], "truths": ["5"]}]
BASE, SFT = POCKET / "base", POCKET / "sft"


def quietly(*models: Any, prompts: Any = ASKED, **given: Any) -> tds.Result:
    return tds.compare(*models, prompts, max_new_tokens=12, progress=False, **given)


def test_models_in_memory_one_of_them_with_an_adapter_give_the_numbers_of_token_shift() -> None:
    words, asked = AutoTokenizer.from_pretrained(SFT), [{"role": "user", "content": "Who are you?"}]
    torch.manual_seed(0)
    base, adapted = (AutoModelForCausalLM.from_pretrained(SFT) for _ in range(2))
    model = get_peft_model(adapted, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)).train()
    held = quietly((base, words), (model, words), prompts=["Who are you?"], base_context="chat")
    (answer,), (row,) = held.examples, held.sql("SELECT architecture FROM model WHERE model_id = 'tuned'").dicts()
    assert "adapter" in row["architecture"] and model.training and held.title == "base → tuned"
    for given in (base, None):
        again = tds.token_shift(model, words, given, prompt=asked, answer=answer.text)
        assert [t.kl_aligned_base for t in again.tokens] == pytest.approx(
            [t.kl_aligned_base for t in answer.tokens][: len(again.tokens)], rel=1e-3
        )
    assert (answer.kl or 0) > 0
    with pytest.raises(tds.InputError, match="base: is a model of PEFT; give the model that it adapts"):
        quietly((model, words), SFT)


def test_given_answers_of_a_model_without_a_template_are_a_report_in_a_folder_that_goes_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in (file for file in SFT.iterdir() if file.suffix != ".jinja"):
        (bare / file.name).symlink_to(file)
    one = quietly(BASE, str(bare), answers=["I am a small model.", "It is 5."])
    assert one.sql("SELECT DISTINCT kind FROM context").dicts() == [{"kind": "plain"}]
    assert {answer.text for answer in one.examples} == {
        "I am a small model.",
        "It is 5.",
    } and one.title == "base → bare"
    (row,) = one.sql("SELECT prompt_id, tasks, truths FROM prompt WHERE text LIKE '%2 plus 3%'").dicts()
    assert row == {"prompt_id": "sum", "tasks": ["sums"], "truths": ["5"]}
    saved, count, folder = one.save(tmp_path / "kept.duckdb"), len(one.tds), one.path.parent
    assert {path.name for path in folder.iterdir()} == {"prompts.jsonl", "report.yml", "tds.duckdb", ".tds.duckdb.lock"}
    del one
    gc.collect()
    assert not folder.exists()
    words = ["tds", "query", "--db", str(saved), "--format", "csv", "SELECT count(*) AS n FROM tds"]
    monkeypatch.setattr("sys.argv", words)
    assert run(app) == 0 and capsys.readouterr().out.split() == ["n", str(count)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tuned": "/no/such/folder"}, "tuned: no folder /no/such/folder, and no hub id such as org/name"),
        ({"tuned": ("model", "words")}, "tuned: in memory it is a pair (model, tokenizer)"),
        ({"tuned": {"path": str(SFT), "colour": "red"}}, "models.tuned.colour: unknown key"),
        ({"prompts": []}, "prompts: empty; give at least one"),
        ({"prompts": [{"id": "x"}]}, "prompts: line 1: prompt: Field required"),
        ({"prompts": [{"prompt": print}]}, "prompts: a row is no JSON"),
        ({"prompts": "no/file.jsonl"}, "prompts: no file no/file.jsonl; give a list of texts"),
        ({"answers": ["one"]}, "answers: 1 for 2 prompts; give one to each"),
        ({"base_context": "poem"}, "base_context: 'poem' is no context; give chat, plain"),
        ({"base_context": {"kind": "plain", "template": "x"}}, "contexts.base: a plain context needs template"),
        ({"device": "abacus"}, "device: 'abacus' is no device"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_one_line(given: dict[str, Any], said: str) -> None:
    models = {"base": BASE, "tuned": SFT, "prompts": ASKED} | given
    with pytest.raises(tds.InputError) as error:
        tds.compare(**models, progress=False)
    assert str(error.value).startswith(said) and "\n" not in str(error.value) and "tds-atlas-" not in str(error.value)


@pytest.mark.parametrize("prompts", [[3], ["good", None], {"prompt": "a row, not a list"}, [["a", "list"]]])
def test_prompts_that_are_neither_texts_nor_rows_are_one_line(prompts: Any) -> None:
    with pytest.raises(tds.InputError, match=r"^prompts: must be a list of texts, or of rows such as"):
        tds.compare("base", "sft", prompts=prompts)
