"""The sizes and tensors of a model of Llama's shape, from its config.json and the heads of its weight files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tds_atlas.live.onnx_file import BFLOAT16, FLOAT, FLOAT16, Weight

ARCHITECTURE = "LlamaForCausalLM"
_KINDS = {"F32": FLOAT, "F16": FLOAT16, "BF16": BFLOAT16}
_PLAIN = {"hidden_act": "silu", "attention_bias": False, "mlp_bias": False, "pretraining_tp": 1}


@dataclass(frozen=True)
class Shape:
    """The sizes of one model."""

    layers: int
    heads: int
    key_heads: int
    head: int  # values of a head
    width: int
    inner: int
    words: int  # of the vocabulary
    epsilon: float
    theta: float
    tied: bool

    @staticmethod
    def of(config: Mapping[str, Any]) -> Shape | str:
        """From config.json; a text says what about it is not known here."""
        if config.get("architectures") != [ARCHITECTURE]:
            return f"is a {(config.get('architectures') or ['unknown'])[0]}, and only {ARCHITECTURE} is known there"
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        odd = [key for key, plain in _PLAIN.items() if config.get(key, plain) != plain]
        if odd or kind != "default" or "quantization_config" in config or rope.get("partial_rotary_factor", 1) != 1:
            return f"has a setting that is not known there: {[*odd, f'rope {kind}, quantised or partial'][0]}"
        width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        return Shape(
            int(config["num_hidden_layers"]),
            heads,
            int(config.get("num_key_value_heads") or heads),
            int(config.get("head_dim") or width // heads),
            width,
            int(config["intermediate_size"]),
            int(config["vocab_size"]),
            float(config.get("rms_norm_eps", 1e-6)),
            float(rope.get("rope_theta", config.get("rope_theta", 10_000))),
            bool(config.get("tie_word_embeddings", False)),
        )

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """What the weights hold, all of it."""
        q, kv, x, inner = self.heads * self.head, self.key_heads * self.head, self.width, self.inner
        of_layer = {
            **{
                f"self_attn.{name}_proj": shape
                for name, shape in zip("qkvo", ((q, x), (kv, x), (kv, x), (x, q)), strict=True)
            },
            **{f"mlp.{name}_proj": (inner, x) for name in ("gate", "up")},
            "mlp.down_proj": (x, inner),
            "input_layernorm": (x,),
            "post_attention_layernorm": (x,),
        }
        yield "model.embed_tokens.weight", (self.words, x)
        yield "model.norm.weight", (x,)
        if not self.tied:
            yield "lm_head.weight", (self.words, x)
        for layer in range(self.layers):
            yield from ((f"model.layers.{layer}.{name}.weight", shape) for name, shape in of_layer.items())


def read_weights(files: Mapping[str, Path]) -> dict[str, Weight] | str:
    """Where each tensor stands, by the name that its file will have; a text says what is not known here."""
    found = {}
    for name, path in files.items():
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for tensor, entry in header.items():
            if entry["dtype"] not in _KINDS:
                return f"has weights of the type {entry['dtype']}"
            start, end = entry["data_offsets"]
            shape, kind = tuple(entry["shape"]), _KINDS[entry["dtype"]]
            found[tensor] = Weight(tensor, kind, shape, name, 8 + length + start, end - start)
    return found
