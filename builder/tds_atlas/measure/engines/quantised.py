"""Quantised checkpoints: which packages read them, said before loading in one line, and what such a package prints.

What a checkpoint is quantised by stands in its config.json, `quantization_config`; of a GGUF file it is the file.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import Any

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.model_config import CONFIG, read_config

_NEEDS = {  # modules that transformers imports for a method, by the names of their packages
    "bitsandbytes": {"bitsandbytes": "bitsandbytes", "accelerate": "accelerate"},
    "compressed-tensors": {"compressed-tensors": "compressed_tensors"},
    "torchao": {"torchao": "torchao"},
    "fp8": {"accelerate": "accelerate"},
    "gguf": {"gguf": "gguf", "accelerate": "accelerate"},
    "gptq": {"gptqmodel": "gptqmodel", "optimum": "optimum"},
    "awq": {"gptqmodel": "gptqmodel", "accelerate": "accelerate"},
    "hqq": {"hqq": "hqq"},
    "quanto": {"optimum-quanto": "optimum.quanto", "accelerate": "accelerate"},
}
_LOGGERS = ("bitsandbytes", "torchao", "torch.utils._pytree")  # tell of casts and kernels at each layer
_EXTRA = ("bitsandbytes", "compressed-tensors", "torchao", "fp8", "gguf")  # what the extra `quantised` reads


def method_of(checkpoint: Checkpoint) -> str | None:
    """What the weights are quantised by; None if they are numbers as they stand. Raises InputError."""
    if checkpoint.gguf:
        return "gguf"
    settings = read_config(checkpoint.folder).get("quantization_config")
    if settings is None:
        return None
    method = settings.get("quant_method") if isinstance(settings, dict) else None
    if not isinstance(method, str):
        raise InputError(f"{checkpoint.folder / CONFIG}: quantization_config: names no quant_method (gptq, awq, ...)")
    return method


def described(checkpoint: Checkpoint) -> str:
    """The method and its bits, for a reader; empty if there is none."""
    method = method_of(checkpoint)
    if method is None or checkpoint.gguf:
        return f"the quantised file {checkpoint.gguf.name}" if checkpoint.gguf else ""
    bits = sorted(set(_bits(read_config(checkpoint.folder)["quantization_config"])))
    return f"quantised by {method}{f' to {bits[0]} bits' if len(bits) == 1 else ''}"


def check_packages(checkpoint: Checkpoint) -> None:
    """Raises InputError naming the packages that are missing, and how to get them."""
    method = method_of(checkpoint) or ""
    missing = [package for package, module in _NEEDS.get(method, {}).items() if not _is_there(module)]
    if missing:
        how = "'tds-atlas[quantised]'" if method in _EXTRA else " ".join(missing)
        other = "" if method in ("gguf", "torchao") else ", or give engine: vllm"
        raise InputError(
            f"models.{checkpoint.model_id}: {method} weights need {' and '.join(missing)}, not installed here: "
            f"pip install {how}{other}"
        )


@contextmanager
def quietly(is_quantised: bool) -> Iterator[None]:
    """Without the progress bars and notices of the packages that unpack weights."""
    if not is_quantised:
        yield
        return
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        yield


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # the package around it is missing
        return False


def _bits(settings: Any) -> Iterator[int]:
    """The bits of weights that a configuration names, wherever they stand in it."""
    if not isinstance(settings, dict):
        return
    for key, value in settings.items():
        if key in ("bits", "num_bits", "w_bit") and type(value) is int:
            yield value
        elif key in ("load_in_4bit", "load_in_8bit") and value is True:
            yield int(key[8])
        elif key not in ("input_activations", "output_activations", "kv_cache_scheme"):
            yield from _bits(value)
