"""Folders of models and adapters: settings, weights, tokenizers and chat templates that are damaged or mean harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.hostile.case import CHECK, SCORE, Case, Damage, both, put, remove
from tests.hostile.seeds import QUICK, SIDES, quickly, write_report

CONFIG_KEYS = """vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads head_dim
    max_position_embeddings rms_norm_eps rope_parameters hidden_act tie_word_embeddings eos_token_id bos_token_id
    architectures model_type dtype attention_bias quantization_config auto_map text_config""".split()  # noqa: SIM905
VALUES: dict[str, Any] = {
    "a text": "x",
    "minus one": -1,
    "huge": 10**12,
    "a list": [[]],
    "a mapping": {"a": {}},
    "nothing": None,
}
BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut short": lambda raw: raw[: len(raw) // 2],
    "zeros": lambda raw: bytes(len(raw)),
    "UTF-16": lambda raw: "{}".encode("utf-16"),
    "a list": lambda raw: b"[]",
    "a number": lambda raw: b"7",
    "brackets": lambda raw: b"[" * 100_000,
    "a page of HTML": lambda raw: b"<!doctype html><title>404</title>",
}
FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
TOKENIZER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no model": lambda t: t.pop("model"),
    "no vocabulary": lambda t: t["model"].pop("vocab"),
    "an empty vocabulary": lambda t: t["model"].update(vocab={}),
    "ids that repeat": lambda t: t["model"]["vocab"].update({"!": 40, '"': 40}),
    "an id beyond the model": lambda t: t["added_tokens"].append(
        t["added_tokens"][0] | {"id": 99_999, "content": "<|far|>"}
    ),
    "a negative id": lambda t: t["model"]["vocab"].update({"!": -3}),
    "a far id": lambda t: t["model"]["vocab"].update({"zz": 2**31}),
    "an unknown type": lambda t: t["model"].update(type="Magic"),
    "an empty pattern": lambda t: t.update(normalizer={"type": "Replace", "pattern": {"String": ""}, "content": "x"}),
    "a charsmap of nothing": lambda t: t.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
    "a begin token of nowhere": lambda t: t["post_processor"].update(special_tokens={}),
    "endless padding": lambda t: t.update(
        padding={"strategy": {"Fixed": 10**18}, "direction": "Right", "pad_to_multiple_of": None}
        | {"pad_id": 0, "pad_type_id": 0, "pad_token": "x"}
    ),
    "merges of nothing": lambda t: t["model"].update(merges=["x"]),
    "words for merges": lambda t: t["model"].update(merges="words"),
    "an unknown decoder": lambda t: t.update(decoder={"type": "Magic"}),
    "an unknown normaliser": lambda t: t.update(normalizer={"type": "Magic"}),
}
SETTINGS: dict[str, tuple[str, dict[str, Any], str]] = {  # beside the keys of config.json; without a line they mean nothing
    "words for a length": ("tokenizer_config.json", {"model_max_length": "x"}, "models.sft: no tokenizer can be loaded"),
    "a begin token that is none": ("tokenizer_config.json", {"bos_token": "<|never|>"}, "sft.*writes the id"),
    "a letter as special token": ("tokenizer_config.json", {"extra_special_tokens": ["a"]}, "sft: a special token is a piece"),
    "no end tokens": ("generation_config.json", {"eos_token_id": []}, ""),
}
TENSORS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "missing": (lambda t: t.pop("model.norm.weight"), "1 of the model's tensors"),
    "extra": (lambda t: t.update(extra=t["model.norm.weight"].clone()), "no place in the model"),
    "renamed": (lambda t: t.update(other=t.pop("model.norm.weight")), "of the model's tensors|no place"),
    "of another shape": (lambda t: t.update({"model.norm.weight": t["model.norm.weight"][:8].clone()}), "shape"),
    "without numbers": (lambda t: t.update({"model.norm.weight": t["model.norm.weight"][:0].clone()}), "shape"),
    "NaN": (lambda t: t["model.norm.weight"].fill_(float("nan")), "NaN"),
    "one NaN": (lambda t: t["model.layers.1.mlp.up_proj.weight"][0].fill_(float("nan")), "NaN"),
    "infinite": (lambda t: t["model.layers.0.mlp.up_proj.weight"].fill_(float("inf")), "NaN"),
    "whole numbers": (lambda t: t.update({"model.norm.weight": t["model.norm.weight"].char()}), "I8"),
    "none": (lambda t: t.clear(), "0 tensors"),
}
TEMPLATES: dict[str, tuple[str, str]] = {
    "never ends": (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ messages[0].content }}",
        "has not ended",
    ),
    "too long a range": ("{% for a in range(10**12) %}x{% endfor %}", "refuses the turns"),
    "calls itself": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "refuses the turns"),
    "loses the prompt": ("{{ bos_token }}hello", "leaves out the prompt"),
    "cuts the prompt": ("{{ bos_token }}{{ messages[0].content[:3] }}", "leaves out the prompt"),
    "raises": ("{{ raise_exception('no\nthanks') }}", "refuses the turns: no thanks"),
    "divides by zero": ("{{ 1 / 0 }}", "refuses the turns"),
    "has a mistake": ("{% for m in messages %}", "refuses the turns"),
    "an unknown filter": ("{{ messages | magic }}", "refuses the turns"),
    "an unknown test": ("{{ messages is magic }}", "refuses the turns"),
    "reaches for the system": (
        "{{ cycler.__init__.__globals__.os.system('touch thesis') }}{{ messages[0].content }}",
        "refuses the turns",
    ),
    "reaches for classes": ("{{ ().__class__.__base__.__subclasses__() }}", "refuses the turns"),
    "includes a file": ("{% include '/etc/passwd' %}", "refuses the turns"),
    "is empty": ("", "no chat template|leaves out"),
    "is of spaces": ("   ", "no chat template|leaves out"),
    "begins twice": ("{{ bos_token }}{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}", "begin token"),
    "a long text": ("{{ '%200000000d' % 1 }}{{ messages[0].content }}", "200,000,000 characters longer than the turns"),
    "half a character": ("{{ '\\ud800' }}{{ messages[0].content }}", "holds half a character"),
    "a huge text": ("{{ 'x' * 10**13 }}{{ messages[0].content }}", "refuses the turns"),
    "changes the prompt": ("{{ bos_token }}{{ messages[0].content | upper }}", "leaves out the prompt"),
}
ADAPTER_KEYS = """peft_type r lora_alpha target_modules modules_to_save bias rank_pattern layers_to_transform
    fan_in_fan_out use_dora task_type base_model_name_or_path""".split()  # noqa: SIM905


def cases() -> Iterator[Case]:
    for key in CONFIG_KEYS:
        for name, value in VALUES.items():
            damage = _json("sft/config.json", lambda t, key=key, value=value: t.update({key: value}))
            yield _model("config.json", f"{key}: {name}", damage, r"sft", either=True)
    for file in FILES:
        for name, spoil in BYTES.items():
            yield _model(
                "model files",
                f"{file}: {name}",
                _bytes(f"sft/{file}", spoil),
                "sft",
                either=file not in ("config.json", FILES[-1]),
            )
        needed = file in ("config.json", "tokenizer.json", FILES[-1])
        yield _model("model files", f"{file}: missing", remove(f"sft/{file}"), "sft", either=not needed)
    for name, change in TOKENIZER.items():
        yield _model(
            "model files", f"tokenizer.json: {name}", _json("sft/tokenizer.json", change), "sft|vocabular", either=True
        )
    for name, index in {"of nothing": {}, "of a list": {"weight_map": []}, "of what is gone": {"weight_map": {"a": "gone.safetensors"}},
                        "out of the folder": {"weight_map": {"a": "../base/model.safetensors"}}}.items():  # fmt: skip
        damage = both(remove("sft/model.safetensors"), put("sft/model.safetensors.index.json", json.dumps(index)))
        yield _model("model files", f"an index {name}", damage, r"sft/model.safetensors.index.json: ")
    for name, (file, settings, line) in SETTINGS.items():
        yield _model("model files", f"{file}: {name}", _json(f"sft/{file}", lambda t, settings=settings: t.update(settings)), line, either=not line)
    for name, (change, line) in TENSORS.items():
        yield _model("tensors", name, _tensors("sft/model.safetensors", change), f"sft.*({line})")
    for name, header in HEADERS.items():
        yield _model(
            "tensors",
            f"a header {name}",
            put("sft/model.safetensors", _header(header)),
            r"sft/(model.safetensors: not a safetensors file|config.json: .* but the weights have)",
        )
    for name, (text, line) in TEMPLATES.items():
        for command in (CHECK, SCORE):
            damage = both(quickly, put("sft/chat_template.jinja", text))
            yield Case(
                "chat templates",
                f"{name}: {command[0]}",
                damage,
                command,
                line=rf"(contexts\.chat|sft·chat|models\.sft).*({line})",
            )
    yield from _adapters()


HEADERS: dict[str, Any] = {
    "of another size": {"a": {"dtype": "F32", "shape": [99], "data_offsets": [0, 4]}},
    "beyond the file": {"a": {"dtype": "F32", "shape": [1000], "data_offsets": [0, 4000]}},
    "of a negative shape": {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
    "without a shape": {"a": {"dtype": "F32", "data_offsets": [0, 4]}},
    "of an unknown type": {"a": {"dtype": "Q99", "shape": [1], "data_offsets": [0, 4]}},
    "of a list": [],
    "of text": "words",
}


def _header(header: Any) -> bytes:
    raw = json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + bytes(4)


def _adapters() -> Iterator[Case]:
    for key in ADAPTER_KEYS:
        for name, value in VALUES.items():
            damage = _json("adapter/adapter_config.json", lambda t, key=key, value=value: t.update({key: value}))
            yield _adapter(f"{key}: {name}", damage, either=True)
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        for name, spoil in BYTES.items():
            yield _adapter(f"{file}: {name}", _bytes(f"adapter/{file}", spoil))
        yield _adapter(f"{file}: missing", remove(f"adapter/{file}"))
    first = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "a tensor missing": lambda t: t.pop(first),
        "a tensor more": lambda t: t.update(extra=t[first].clone()),
        "a tensor renamed": lambda t: t.update({first.replace("q_proj", "k_proj"): t.pop(first)}),
        "a tensor of another shape": lambda t: t.update({first: t[first][:3].clone()}),
        "NaN": lambda t: t[first].fill_(float("nan")),
        "no tensors": lambda t: t.clear(),
    }
    for name, change in changes.items():
        yield _adapter(name, _tensors("adapter/adapter_model.safetensors", change))
    never = "(.+)+[!]"  # over some names of modules
    for key, pattern in {"target_modules": never, "exclude_modules": never, "rank_pattern": {never: 4}, "alpha_pattern": {never: 4}}.items():
        damage = _json("adapter/adapter_config.json", lambda t, key=key, pattern=pattern: t.update({key: pattern}))
        yield _adapter(f"{key}: a pattern without end", damage)
    for kind in ("PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING", "MAGIC"):
        yield _adapter(
            f"of the kind {kind}", _json("adapter/adapter_config.json", lambda t, kind=kind: t.update(peft_type=kind))
        )


def _adapted(project: Path) -> None:
    pair = {"base": SIDES["base"], "aligned": {"model": "lora", "context": "chat"}}
    write_report(project, QUICK | {"comparisons": [pair]})


def _adapter(name: str, damage: Damage, either: bool = False) -> Case:
    return Case("adapters", name, both(_adapted, damage), SCORE, line=r"adapter", either=either)


def _model(kind: str, name: str, damage: Damage, line: str, either: bool = False) -> Case:
    return Case(kind, name, both(quickly, damage), SCORE, line=line, either=either)


def _bytes(path: str, spoil: Callable[[bytes], bytes]) -> Damage:
    return lambda project: (project / path).write_bytes(spoil((project / path).read_bytes()))


def _json(path: str, change: Callable[[dict[str, Any]], Any]) -> Damage:
    def damage(project: Path) -> None:
        content = json.loads((project / path).read_text(encoding="utf-8"))
        change(content)
        (project / path).write_text(json.dumps(content), encoding="utf-8")

    return damage


def _tensors(path: str, change: Callable[[dict[str, Any]], Any]) -> Damage:
    def damage(project: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(project / path)
        change(tensors)
        save_file(tensors, project / path, {"format": "pt"})

    return damage
