"""A small server with OpenAI's interface that scores ids with a model of transformers, and can be told to lie or to fail.

    python -m tests.scoring_server FOLDER [--port N] [--lie NAME] [--faults 503,429,drop,slow] [--pause SECONDS]

It writes its address as one line when it is ready. Like vLLM it counts equals into a rank.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

MOST_LOGPROBS = 30


@dataclass
class Scoring:
    """One model behind the interface."""

    folder: Path
    lie: str = ""
    faults: list[str] = field(default_factory=list)  # of the next completions, one each
    pause: float = 0.0
    key: str = ""
    asked: int = 0
    continued: set[tuple[int, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=torch.float32)
        self.tokenizer = AutoTokenizer.from_pretrained(self.folder)
        self.lock = threading.Lock()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        ids, most, k = list(body["prompt"]), body.get("max_tokens", 16), body.get("prompt_logprobs")
        if self.lie == "begin":
            ids = [0, *ids]
        choice: dict[str, Any] = {"index": 0, "text": "", "finish_reason": "length"}
        with self.lock, torch.inference_mode():
            if k is None:
                new, stopped = self._continue(ids, most, body.get("stop_token_ids", []))
                choice |= {"token_ids": new, "finish_reason": "stop" if stopped else "length"}
                self.continued.add(tuple(ids))
            else:
                choice |= {"prompt_logprobs": [None, *self._positions(ids, k)], "token_ids": [1]}
        read = [*ids[:-1], ids[-1] - 1] if self.lie == "ids" else ids
        if body.get("return_token_ids") and self.lie != "silent":
            choice["prompt_token_ids"] = read
        if self.lie == "first" and k is not None:
            choice["prompt_logprobs"][0] = {"1": {"logprob": -1.0, "rank": 1}}
        return {"object": "text_completion", "choices": [choice]}

    def _continue(self, ids: list[int], most: int, ends: list[int]) -> tuple[list[int], bool]:
        new: list[int] = []
        while len(new) < most and not (new and new[-1] in ends):
            new.append(int(self.model(torch.tensor([ids + new])).logits[0, -1].argmax()))
        return new, new[-1] in ends

    def _positions(self, ids: list[int], k: int) -> Iterator[dict[str, Any]]:
        logits = self.model(torch.tensor([ids])).logits[0].float()
        logprobs = logits if self.lie == "logits" else logits.log_softmax(-1) * (0.5 if self.lie == "sum" else 1)
        for t in range(1, len(ids)):
            x, own = logprobs[t - 1], ids[t]
            if self.lie == "twice" and tuple(ids) in self.continued and t < 128:
                x = x.roll(7)
            listed = dict.fromkeys([*x.topk(k - (self.lie == "k")).indices.tolist(), own])
            if self.lie == "own":
                listed.pop(own)
            yield {self._name(i): {"logprob": float(x[i]), "rank": self._rank(x, i)} for i in listed}

    def _rank(self, x: torch.Tensor, i: int) -> int:
        return int((x >= x[i]).sum()) + 5 * (self.lie == "ranks")

    def _name(self, i: int) -> str:
        return self.tokenizer.decode([i]) if self.lie == "texts" else str(i)


class Handler(BaseHTTPRequestHandler):
    scoring: Scoring

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/version":
            return self._say(200, {"version": "0.0-test"})
        return self._say(200, {"data": [{"id": "m", "owned_by": "tests", "max_model_len": 512}]})

    def do_POST(self) -> None:
        scoring = self.scoring
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        scoring.asked += 1
        time.sleep(scoring.pause)
        if scoring.key and self.headers.get("authorization") != f"Bearer {scoring.key}":
            return self._say(401, {"error": {"message": f"wrong key: {self.headers.get('authorization')}"}})
        if (body.get("prompt_logprobs") or 0) > MOST_LOGPROBS:
            return self._say(400, {"error": {"message": f"more than max_logprobs {MOST_LOGPROBS}"}})
        fault = scoring.faults.pop(0) if scoring.faults else ""
        if fault == "drop":
            return self.connection.close()
        if fault == "slow":
            time.sleep(3)
        if fault.isdecimal():
            return self._say(int(fault), {"error": "not now"}, {"Retry-After": "0.2"} if fault == "429" else {})
        if fault == "text":
            return self._say(200, "<html>")
        return self._say(200, scoring.complete(body))

    def _say(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(value).encode()
        self.send_response(status)
        given = {"content-type": "application/json", "content-length": str(len(raw))} | (headers or {})
        for name, text in given.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(raw)


def listening(scoring: Scoring, port: int = 0) -> ThreadingHTTPServer:
    class Bound(Handler):
        pass

    Bound.scoring = scoring
    return ThreadingHTTPServer(("127.0.0.1", port), Bound)


@contextmanager
def served(scoring: Scoring) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    server = listening(scoring)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--lie", default="")
    parser.add_argument("--faults", default="")
    parser.add_argument("--pause", type=float, default=0.0)
    given = parser.parse_args()
    scoring = Scoring(given.folder, given.lie, [f for f in given.faults.split(",") if f], given.pause)
    server = listening(scoring, given.port)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
