"""The block `engine` of a model: who computes its numbers. A word names an engine whose settings are as they stand."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from tds_atlas.domain import InputError
from tds_atlas.hashes import hash_files
from tds_atlas.inputs.blocks import InputPath, Positive, Settings, beside_report


class TransformersSettings(Settings):
    """The transformers library, in this process: exact, and every probe."""

    kind: Literal["transformers"] = "transformers"
    exact: ClassVar[bool] = True  # whether whole distributions are known, or only lists of their likeliest tokens
    reads_weights: ClassVar[bool] = True  # whether the model's folder must hold its weights

    @property
    def identity(self) -> tuple[str, ...]:
        """What of these settings the numbers depend on; for shards of this engine nothing, as they are older."""
        return ()


class VllmSettings(Settings):
    """vLLM, in a process under a Python of its own: exact, for large models, several GPUs and quantised checkpoints."""

    kind: Literal["vllm"] = "vllm"
    exact: ClassVar[bool] = True
    reads_weights: ClassVar[bool] = True
    # That has vLLM; default: TDS_VLLM_PYTHON of the environment.
    python: Annotated[Path, AfterValidator(beside_report)] | None = None
    tensor_parallel_size: Positive = 1  # GPUs for one model
    max_model_len: Positive | None = None  # tokens of a text at most; default: as many as the model reads
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] | None = None  # of each GPU, for each model; vLLM: 0.9

    @property
    def identity(self) -> tuple[str, ...]:
        return ("vllm", str(self.tensor_parallel_size))


def _address(url: str) -> str:
    """The address without /v1 and the slash at its end. Raises ValueError for what is no address, or holds a key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("not the address of a server; give it like http://127.0.0.1:8000")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user or a password, which would be stored; give the key by key_env")
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


class ServedSettings(Settings):
    """A server with OpenAI's interface that scores given ids, as vLLM's does: lists, and greedy answers."""

    kind: Literal["served"] = "served"
    url: Annotated[str, AfterValidator(_address), Field(max_length=500)]
    model: Annotated[str, Field(min_length=1, max_length=200)]  # its name at the server
    key_env: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")] | None = None  # the variable with the key
    timeout: Annotated[float, Field(gt=0, le=86_400)] = 600  # seconds that one request may take
    retries: Annotated[int, Field(ge=0, le=100)] = 6  # of a request that fails for the server's or the network's sake
    requests_at_once: Positive = 8
    exact: ClassVar[bool] = False
    reads_weights: ClassVar[bool] = False

    @property
    def identity(self) -> tuple[str, ...]:
        return self.kind, self.url, self.model


@lru_cache(maxsize=64)
def _content(path: Path, changed: int, size: int) -> str:
    return hash_files([path])


class RecordedSettings(Settings):
    """A file of log-probabilities that somebody measured already."""

    kind: Literal["recorded"] = "recorded"
    path: InputPath
    # The column with each token's log-probability; default: logprobs, of a token export trainer_logprobs.
    logprobs: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    exact: ClassVar[bool] = False
    reads_weights: ClassVar[bool] = False

    @property
    def identity(self) -> tuple[str, ...]:
        """The content of the file, and which of its columns is read."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from None
        column = () if self.logprobs is None else (self.logprobs,)
        return self.kind, _content(self.path, found.st_mtime_ns, found.st_size), *column


def _from_word(value: Any) -> Any:
    """`engine: transformers` is short for `engine: {kind: transformers}`."""
    return {"kind": value} if isinstance(value, str) else value


EngineSettings = Annotated[
    TransformersSettings | VllmSettings | ServedSettings | RecordedSettings,
    Field(discriminator="kind"),
    BeforeValidator(_from_word),
]
