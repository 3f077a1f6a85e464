"""Small quantised checkpoints, made of a Llama's weights by the plainest rounding, each beside the same weights as
numbers: what a reader of the format must find."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Tensors = dict[str, Tensor]
_GROUP = 64


def save(folder: Path, parent: Path, tensors: Tensors, settings: dict[str, Any] | None) -> Path:
    """The parent's folder with these weights, in float32, and their quantization_config."""
    shutil.copytree(parent, folder)
    save_file({name: x.contiguous() for name, x in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text()) | {"dtype": "float32"}
    config |= {"quantization_config": settings} if settings else {}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def weights(parent: Path) -> Tensors:
    return {name: x.float() for name, x in load_file(parent / "model.safetensors").items()}


def linear(name: str) -> bool:
    return name.endswith("_proj.weight")


def both(parent: Path, quantise: Callable[[str, Tensor], tuple[Tensors, Tensor]]) -> tuple[Tensors, Tensors]:
    """The tensors as stored, and as they are to be read."""
    stored, read = {}, {}
    for name, x in weights(parent).items():
        parts, back = quantise(name, x) if linear(name) else ({name: x}, x)
        stored |= parts
        read[name] = back
    return stored, read


def fp8(folder: Path, parent: Path) -> Tensors:
    """Blocks of 64 x 64 in eight bits with a scale each, as DeepSeek and Qwen publish theirs. -> what is to be read"""

    def quantise(name: str, x: Tensor) -> tuple[Tensors, Tensor]:
        blocks = x.reshape(x.shape[0] // _GROUP, _GROUP, x.shape[1] // _GROUP, _GROUP)
        scale = blocks.abs().amax((1, 3)) / 448
        small = (blocks / scale[:, None, :, None]).to(torch.float8_e4m3fn)
        back = (small.float() * scale[:, None, :, None]).reshape(x.shape)
        return {name: small.reshape(x.shape), f"{name}_scale_inv": scale}, back

    stored, read = both(parent, quantise)
    settings = {"quant_method": "fp8", "weight_block_size": [_GROUP, _GROUP], "activation_scheme": "dynamic"}
    save(folder, parent, stored, settings)
    return read


def int4(folder: Path, parent: Path) -> Tensors:
    """Groups of 64 in four bits, eight numbers to an int32, as llm-compressor writes them. -> what is to be read"""

    def quantise(name: str, x: Tensor) -> tuple[Tensors, Tensor]:
        groups = x.reshape(x.shape[0], -1, _GROUP)
        scale = groups.abs().amax(-1, keepdim=True) / 7
        whole = (groups / scale).round().clamp(-8, 7)
        nibbles = (whole + 8).to(torch.int64).reshape(x.shape[0], -1, 8)
        packed = sum(nibbles[..., i] << (4 * i) for i in range(8))
        packed = torch.where(packed >= 2**31, packed - 2**32, packed).to(torch.int32)
        shape = torch.tensor(x.shape)
        parts = {f"{name}_packed": packed, f"{name}_scale": scale[..., 0], f"{name}_shape": shape}
        return parts, (whole * scale).reshape(x.shape)

    stored, read = both(parent, quantise)
    numbers = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": _GROUP}
    group = {"targets": ["Linear"], "weights": numbers, "input_activations": None, "format": "pack-quantized"}
    settings = {"quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed"}
    save(folder, parent, stored, settings | {"config_groups": {"group_0": group}, "ignore": ["lm_head"]})
    return read


_GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_file(path: Path, parent: Path, kind: str = "Q8_0", left_out: str = "") -> Tensors:
    """A GGUF file as llama.cpp has them: rotary pairs beside each other, matrices in blocks. -> what is to be read"""
    config, own = json.loads((parent / "config.json").read_text()), weights(parent)
    writer, how = gguf.GGUFWriter(path, "llama"), gguf.GGMLQuantizationType[kind]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    read = dict(own)
    for name, theirs in _names(config["num_hidden_layers"]).items():
        x = own[name]
        turned = _pairs(x, config["num_attention_heads"]) if theirs.split(".")[-2] in ("attn_q", "attn_k") else x
        if theirs == left_out:
            continue
        if linear(name):
            blocks = gguf.quants.quantize(turned.numpy(), how)
            writer.add_tensor(theirs, blocks, raw_dtype=how)
            back = torch.from_numpy(np.ascontiguousarray(gguf.quants.dequantize(blocks, how)))
            read[name] = _pairs(back, config["num_attention_heads"], back=True) if turned is not x else back
        else:
            writer.add_tensor(theirs, turned.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return read


def _names(layers: int) -> dict[str, str]:
    """Ours -> theirs."""
    names = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    for i in range(layers):
        names |= {f"model.layers.{i}.{ours}.weight": f"blk.{i}.{theirs}.weight" for ours, theirs in _GGUF_NAMES.items()}
    return names


def _pairs(x: Tensor, heads: int, back: bool = False) -> Tensor:
    """The rows of each head with both halves of a rotary pair beside each other, or as they were."""
    half = x.shape[0] // heads // 2
    shape = (heads, half, 2, x.shape[1]) if back else (heads, 2, half, x.shape[1])
    return x.reshape(shape).swapaxes(1, 2).reshape(x.shape)
