"""Checkpoints: what is hashed, what is refused, and that our road to the logits is the model's own, whatever it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import card, locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines.loading import choose_device, load_tokenizer
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.vocabularies import difference, extension, vocabulary_id
from tests import tiny

COMMON = {"vocab_size": 340, "initializer_range": 0.3, "eos_token_id": 1, "pad_token_id": 1, "bos_token_id": 0}
SMALL = COMMON | {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
GPT2 = COMMON | {"n_embd": 32, "n_layer": 2, "n_head": 4}
STRETCHED = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10_000.0}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", SMALL),
    "llama, tied": ("Llama", SMALL | {"tie_word_embeddings": True}),
    "llama, stretched": ("Llama", SMALL | {"rope_parameters": STRETCHED, "max_position_embeddings": 16}),
    "mistral, sliding window": ("Mistral", SMALL | {"sliding_window": 4}),
    "mixtral": ("Mixtral", SMALL | {"num_local_experts": 4}),
    "qwen2, tied": ("Qwen2", SMALL | {"tie_word_embeddings": True}),
    "qwen3": ("Qwen3", SMALL | {"head_dim": 8}),
    "gemma": ("Gemma", SMALL | {"head_dim": 8}),
    "gemma2, capped": ("Gemma2", SMALL | {"head_dim": 8, "final_logit_softcapping": 5.0, "sliding_window": 4}),
    "gemma3": ("Gemma3", SMALL | {"head_dim": 8, "sliding_window": 4}),
    "olmo2": ("Olmo2", SMALL),
    "phi": ("Phi", SMALL),
    "phi3": ("Phi3", SMALL),
    "neox, padded vocabulary": ("GPTNeoX", SMALL | {"vocab_size": 384}),
    "gpt2": ("GPT2", GPT2),
    "gptj": ("GPTJ", GPT2 | {"rotary_dim": 4}),
    "opt": ("OPT", SMALL | {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "bloom, no places": ("Bloom", GPT2 | {"hidden_size": 32}),
    "falcon": ("Falcon", SMALL),
    "stablelm": ("StableLm", SMALL),
    "granite, scaled": ("Granite", SMALL | {"logits_scaling": 8.0}),
    "cohere, scaled": ("Cohere", SMALL | {"logit_scale": 0.25}),
    "rwkv, reads padding": ("Rwkv", COMMON | {"hidden_size": 32, "num_hidden_layers": 2}),
    "recurrent gemma, reads padding": (
        "RecurrentGemma",
        SMALL | {"lru_width": 32, "attention_window_size": 8, "num_hidden_layers": 3},
    ),
    "bart, counts padding": (
        "Bart",
        COMMON | {"d_model": 32, "decoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 64},
    ),
    "mamba, recurrent": ("Mamba", COMMON | {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4}),
}


def loaded(folder: Path, name: str, **changes: Any) -> LoadedModel:
    """A random model of a kind, saved and loaded as a user's."""
    kind, settings = MODELS[name]
    torch.manual_seed(1)
    suffix = {"GPT2": "LMHeadModel"}.get(kind, "ForCausalLM")
    text = "Gemma3Text" if kind == "Gemma3" else kind
    getattr(hf, f"{kind}{suffix}")(getattr(hf, f"{text}Config")(**settings | changes)).save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return Models("cpu").model(locate("m", {"m": ModelSettings(path=folder, dtype="float32")}))


def own_logits(model: LoadedModel, row: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model.model(torch.tensor([row]), use_cache=False).logits[0]


@pytest.mark.parametrize("name", MODELS)
def test_body_and_head_give_the_models_own_logits(name: str, tmp_path: Path) -> None:
    """In a batch, padded on the right without a mask, and behind masked padding: the same numbers as alone."""
    model = loaded(tmp_path, name)
    rows = [torch.randint(2, 340, (n,)).tolist() for n in (20, 13, 5)]
    with torch.no_grad():
        for row, state in zip(rows, model.states(rows, [len(row) for row in rows]), strict=True):
            ours = model.head(state) if model.head else state
            torch.testing.assert_close(ours, own_logits(model, row), atol=2e-5, rtol=2e-5)
        again = model.states_again(rows[0], len(rows[0]))
        again = model.head(again) if model.head else again
    torch.testing.assert_close(again, own_logits(model, rows[0]), atol=2e-5, rtol=2e-5)


def test_padding_is_hidden_by_a_mask_or_said_not_to_be(tmp_path: Path) -> None:
    found = {name: loaded(tmp_path / str(i), name).hides_padding for i, name in enumerate(MODELS)}
    assert [name for name, hides in found.items() if not hides] == [name for name in MODELS if "padding" in name]


def test_a_model_that_cannot_run_is_one_line(tmp_path: Path) -> None:
    hf.XmodForCausalLM(hf.XmodConfig(**SMALL, is_decoder=True)).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(
        InputError, match=r"models.m: XmodForCausalLM cannot read a short text: .*check its config.json"
    ):
        Models("cpu").model(locate("m", {"m": ModelSettings(path=tmp_path, dtype="float32")}))


def test_a_model_that_reads_ahead_is_refused(tmp_path: Path) -> None:
    config = hf.BertConfig(**SMALL, architectures=["BertLMHeadModel"])
    hf.BertLMHeadModel(config).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"models.m: .*Bert.* reads tokens ahead"):
        Models("cpu").model(locate("m", {"m": ModelSettings(path=tmp_path, dtype="float32")}))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_gets_a_float32_head(tmp_path: Path, dtype: torch.dtype) -> None:
    loaded(tmp_path, "llama")
    name = str(dtype).removeprefix("torch.")
    model = Models("cpu").model(locate("m", {"m": ModelSettings(path=tmp_path, dtype=name)}))  # type: ignore[arg-type]
    assert model.model.dtype == dtype and model.head is not None
    with torch.no_grad():
        hidden = model.body(torch.arange(2, 30)[None])[0]
        logits = model.head(hidden)
    assert logits.dtype == torch.float32
    expected = hidden.double() @ model.model.lm_head.weight.double().T
    torch.testing.assert_close(logits.double(), expected, atol=1e-4, rtol=1e-4)


def test_a_card_comes_from_the_files(family: Path) -> None:
    made = card(locate("base", {"base": ModelSettings(path=family / "base", label="The base")}), "tok")
    model = hf.AutoModelForCausalLM.from_pretrained(family / "base")
    assert made.parameters == model.num_parameters() and made.vocab_size == model.config.vocab_size
    assert (made.architecture, made.label, made.source, made.dtype) == (
        "LlamaForCausalLM",
        "The base",
        "base",
        "float32",
    )


def test_the_hash_follows_the_weights(family: Path, tmp_path: Path) -> None:
    shutil.copytree(family / "base", tmp_path / "copy")
    folders = (family / "base", tmp_path / "copy", family / "sft")
    hashes = [locate("m", {"m": ModelSettings(path=p)}).weights_hash for p in folders]
    assert hashes[0] == hashes[1] != hashes[2]


def test_missing_and_damaged_files(family: Path, tmp_path: Path) -> None:
    def refuse(folder: str, message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            checkpoint = locate("m", {"m": ModelSettings(path=tmp_path / folder, dtype="float32")})
            card(checkpoint, "tok")
            Models("cpu").model(checkpoint)
        assert "\n" not in str(caught.value)

    refuse("nowhere", r"models.m.path: no folder .*nowhere")
    refuse(".", r"models.m: .* has no config.json; give a folder written by save_pretrained")
    shutil.copytree(family / "base", tmp_path / "cut")
    whole = (tmp_path / "cut/model.safetensors").read_bytes()
    (tmp_path / "cut/model.safetensors").write_bytes(b"\x07\0\0\0\0\0\0\0{oops")
    refuse("cut", r"model.safetensors: not a safetensors file, or truncated")
    (tmp_path / "cut/model.safetensors").write_bytes(whole[: len(whole) // 2])
    refuse("cut", r"model.safetensors: not a safetensors file, or truncated")
    (tmp_path / "cut/model.safetensors").write_bytes(whole)
    (tmp_path / "cut/config.json").write_text("{", encoding="utf-8")
    refuse("cut", r"config.json: not a model's config.json")
    (tmp_path / "cut/config.json").write_text(json.dumps({"model_type": "nonesuch", "vocab_size": 3}), encoding="utf-8")
    refuse("cut", r"models.m: cannot be loaded from .*nonesuch")


def test_a_sentencepiece_model_without_its_settings_is_refused(family: Path, tmp_path: Path) -> None:
    """It would load, and begin no text with the begin token."""
    shutil.copytree(family / "base", tmp_path / "m")
    for path in (tmp_path / "m").glob("tokenizer*.json"):
        path.unlink()
    (tmp_path / "m/tokenizer.model").write_bytes(b"")
    with pytest.raises(InputError, match=r"models.m: .*/m has tokenizer.model but no tokenizer_config.json"):
        load_tokenizer(locate("m", {"m": ModelSettings(path=tmp_path / "m")}))


def test_vocabularies_are_compared_by_content(family: Path) -> None:
    base = load_tokenizer(locate("base", {"base": ModelSettings(path=family / "base")}))
    other, more = tiny.tokenizer(pieces=300), tiny.tokenizer()
    assert vocabulary_id(base) == vocabulary_id(tiny.tokenizer()) != vocabulary_id(other)
    twins = {"base": base, "twin": tiny.tokenizer()}
    assert difference("base", "twin", twins) is extension("base", "twin", twins) is None
    more.add_tokens(["<|new|>"])
    found = difference("base", "x", {"base": tiny.tokenizer(swap=True), "x": more})
    assert re.fullmatch(r"(id \d+ is '.' in base and '.' in x(; )?){2}", found or "")
    first = len(base)
    for pair in (("base", "more"), ("more", "base")):
        both = {"base": base, "more": more}
        said = f"more has 1 tokens that base has not, from id {first}: they have no probability there"
        assert difference(*pair, both) is None and extension(*pair, both) == said


def test_reserved_tokens_that_tuning_named_are_the_same_tokens() -> None:
    base, tuned = tiny.tokenizer(), tiny.tokenizer()
    whole = tuned.backend_tokenizer.to_str().replace("<|system|>", "<|im_start|>")
    tuned = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(whole))
    expected = "1 special tokens have one id and two names: id 4 is '<|system|>' in base and '<|im_start|>' in tuned"
    both = {"base": base, "tuned": tuned}
    assert difference("base", "tuned", both) is None and extension("base", "tuned", both) == expected


def test_a_model_from_the_hub_comes_from_the_cache_at_its_commit(family: Path, tmp_path: Path) -> None:
    """The cache as the hub's library lays it out; a commit that is not there is one line, with or without a network."""
    commit, cache = "0123456789abcdef0123456789abcdef01234567", tmp_path / "hub"
    (cache / "models--me--base/snapshots").mkdir(parents=True)
    shutil.copytree(family / "base", cache / f"models--me--base/snapshots/{commit}")
    code = (
        "import json, sys\nfrom tds_atlas.domain import InputError\nfrom tds_atlas.inputs.settings import ModelSettings\n"
        "from tds_atlas.inputs.checkpoints import locate\n"
        "for revision in sys.argv[1:]:\n"
        "    try:\n"
        "        made = locate('m', {'m': ModelSettings(hub='me/base', revision=revision)})\n"
        "        print(json.dumps([made.revision, made.source, made.weights_hash[:40]]))\n"
        "    except InputError as error:\n"
        "        print(json.dumps(str(error)))\n"
    )
    environment = {"HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, commit, "f" * 40]
    lines = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()
    found, refused = map(json.loads, lines)
    assert found == [commit, "me/base", commit]
    assert refused.startswith(f"models.m.hub: cannot get me/base at {'f' * 40}: ") and "\n" not in refused


def test_a_model_spread_by_accelerate_gives_the_same_logits(family: Path) -> None:
    whole, spread = (
        Models("cpu").model(locate("m", {"m": ModelSettings(path=family / "base", dtype="float32", device_map=way)}))
        for way in (None, "auto")
    )
    torch.testing.assert_close(own_logits(whole, [5, 6, 7]), own_logits(spread, [5, 6, 7]), atol=0, rtol=0)


def test_devices() -> None:
    assert choose_device("auto") in ("cpu", "cuda") and choose_device("cpu") == "cpu"
    for device in ("cuda:99", "abacus"):
        with pytest.raises(
            InputError, match=f"device: '{device}' is not available here; use auto, cpu, cuda or cuda:N"
        ):
            choose_device(device)
