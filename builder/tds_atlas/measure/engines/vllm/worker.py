"""The process under vLLM's own Python: loads one model and answers over a socket. Imports nothing of the project.

`python worker.py SOCKET LIFE`: two inherited file descriptors. Nothing is ever written to LIFE; when it ends, the other
process is gone, however it died, and this one ends with all that vLLM has started.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
import frames  # type: ignore[import-not-found, unused-ignore]

sys.path.pop(0)  # what else lies beside this file is not for vLLM to import

_TEXT = 2000  # characters of an error
Answer = tuple[dict[str, Any], dict[str, np.ndarray]]


class Bodies:
    """Hidden states behind the final norm, by the pooling runner."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        from vllm import LLM, PoolingParams
        from vllm.config import PoolerConfig

        pooler = PoolerConfig(task="token_embed", tok_pooling_type="ALL", use_activation=False)
        self.engine = LLM(**settings, runner="pooling", convert="embed", pooler_config=pooler)
        self.params = PoolingParams(use_activation=False)  # else the vectors are normalised

    def states(self, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """The states of the last tokens of each row, so many as `last` says; rows one at a time if `apart`."""
        rows, last = list(frames.parted(arrays)), arrays["last"].tolist()
        batches = [[row] for row in rows] if fields["apart"] else [rows]
        out = [one for batch in batches for one in self._read(batch)]
        for row, states in zip(rows, out, strict=True):
            if len(states) != len(row):
                raise RuntimeError(f"vLLM gives {len(states)} hidden states for {len(row)} tokens")
        return {}, {"states": np.concatenate([x[len(x) - n :] for x, n in zip(out, last, strict=True)])}

    def _read(self, rows: Sequence[np.ndarray]) -> list[np.ndarray]:
        prompts = [{"prompt_token_ids": row.tolist()} for row in rows]
        done = self.engine.encode(prompts, pooling_task="token_embed", pooling_params=self.params, use_tqdm=False)
        return [one.outputs.data.float().numpy() for one in done]


class Writer:
    """Answers by greedy decoding, and what the model's own head says about a text."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        from vllm import LLM

        # In half precision ties among the logits would decide which token is first.
        own = {"hf_overrides": {"head_dtype": "float32"}} if settings["dtype"] != "float32" else {}
        self.engine = LLM(**settings, **own, generation_config="vllm")

    def greedy(self, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """New ids after each row, up to and with the first end token."""
        return self._written(fields, arrays, [{"temperature": 0.0}] * len(list(frames.parted(arrays))))

    def sampled(self, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """The same, drawn: each row by a seed of its own."""
        return self._written(fields, arrays, [fields["sampling"] | {"seed": i} for i in fields["seeds"]])

    def _written(
        self, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray], how: Sequence[Mapping[str, Any]]
    ) -> Answer:
        from vllm import SamplingParams

        shared = {
            "max_tokens": fields["max_new_tokens"],
            "stop_token_ids": fields["end_ids"],
            "ignore_eos": True,  # which tokens end an answer is said above, and nowhere else
            "detokenize": False,
        }
        params = [SamplingParams(**shared, **one) for one in how]
        prompts = [{"prompt_token_ids": row.tolist()} for row in frames.parted(arrays)]
        done = self.engine.generate(prompts, params, use_tqdm=False)
        return {}, frames.joined([list(one.outputs[0].token_ids) for one in done])

    def lists(self, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Answer:
        """The most likely tokens after each token of one text but the last: [T - 1, k] ids and log-probabilities."""
        from vllm import SamplingParams

        k = fields["k"]
        how = SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=k, detokenize=False)
        (done,) = self.engine.generate([{"prompt_token_ids": arrays["ids"].tolist()}], how, use_tqdm=False)
        found = [sorted(entries.items(), key=lambda entry: entry[1].rank)[:k] for entries in done.prompt_logprobs[1:]]
        ids = np.array([[i for i, _ in row] for row in found], np.int32)
        values = np.array([[entry.logprob for _, entry in row] for row in found], np.float32)
        return {}, {"ids": ids, "logprobs": values}


KINDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {"bodies": Bodies, "writer": Writer}


def main() -> None:
    if os.getpgrp() != os.getpid():  # the group that is ended below must be this process's own
        os.setpgrp()
    channel = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=_end_with, args=(int(sys.argv[2]),), daemon=True).start()
    engine: Any = None
    while (asked := frames.receive(channel)) is not None:
        try:
            answer: Answer = ({}, {})
            if asked.kind == "versions":
                answer = (_versions(), {})
            elif asked.kind in KINDS:
                engine = KINDS[asked.kind](_settings(asked.fields))
            else:
                answer = getattr(engine, asked.kind)(asked.fields, asked.arrays)
            frames.send(channel, frames.Frame("answer", *answer))
        except Exception as error:  # of any type: vLLM's errors and the model's own code
            frames.send(channel, frames.Frame("error", {"text": f"{type(error).__name__}: {error}"[:_TEXT]}))


def _settings(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Weights are safetensors and a model's code vLLM's own; for a CPU nothing is compiled."""
    from vllm.platforms import current_platform

    safe = {"load_format": "safetensors", "config_format": "hf", "trust_remote_code": False, "disable_log_stats": True}
    return {**fields, **safe} | ({"enforce_eager": True} if current_platform.is_cpu() else {})


def _versions() -> dict[str, Any]:
    """What runs here; why it cannot be imported, if it cannot."""
    try:
        import torch
        import vllm
        from vllm.platforms import current_platform
    except ImportError as error:
        return {"missing": str(error)[:_TEXT]}
    return {"vllm": vllm.__version__, "torch": torch.__version__, "device": current_platform.device_type}


def _end_with(life: int) -> None:
    """Wait for the end of the other process, then end this one's whole group."""
    while os.read(life, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    try:
        main()
    finally:  # vLLM's own end takes seconds, and may wait for a process that is gone
        os.killpg(0, signal.SIGKILL)
