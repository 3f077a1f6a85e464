"""A model behind a server with OpenAI's interface that scores given ids, as vLLM's `/v1/completions` does.

Ids go out and ids come back; text is never sent. What the server says is checked answer by answer (lists.py), and
before anything is measured by a probe (probe.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from tds_atlas.domain import InputError, Response, Sampling, printable
from tds_atlas.inputs.checkpoints import Checkpoint, context_length
from tds_atlas.inputs.engine_settings import ServedSettings
from tds_atlas.measure.bounds import LEAST
from tds_atlas.measure.end_tokens import until_end
from tds_atlas.measure.engines.http import Server
from tds_atlas.measure.engines.lists import Unfit, columns_of
from tds_atlas.measure.engines.probe import probe
from tds_atlas.measure.engines.without_weights import WithoutWeights, joined
from tds_atlas.measure.head_floor import HeadFloor
from tds_atlas.measure.side import Ids
from tds_atlas.measure.statistics import Columns

_COMPLETIONS = "/v1/completions"
# A server may take what is not said from the checkpoint's generation settings: everything is said.
_GREEDY = {
    "temperature": 0,
    "top_p": 1,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "n": 1,
    "return_token_ids": True,
    "add_special_tokens": False,
    "skip_special_tokens": False,
}
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class ServedModel(WithoutWeights):
    """The words of engine.ListedModel, by requests."""

    settings: ServedSettings
    server: Server
    top_k: int  # the length of the lists that will be asked for
    engine: str = "served"
    longest: int | None = None  # ids of a text that the server takes, as it says
    loaded: str = ""
    attention: str = ""
    dtype: str = ""

    @cached_property
    def context_length(self) -> int | None:
        """Two less than the server takes: the answer's last token is sent, too, and one more is always written."""
        known = [n for n in (context_length(self.checkpoint), self.longest) if n is not None]
        return min(known) - 2 if known else None

    def lists(self, responses: Sequence[Response], prompts: Sequence[Ids], k: int) -> Columns:
        texts = [
            (f"response {r.response_id!r}", head, self._sent(r)) for r, head in zip(responses, prompts, strict=True)
        ]
        columns = joined(self._at_once(lambda text: self._scored(*text, k), texts))
        if self.floor is not None:
            columns[LEAST] = self.floor.least(columns["top_ids"][:, 0], columns["top_logprobs"][:, 0])
        return columns

    @cached_property
    def floor(self) -> HeadFloor | None:
        """What every id has at least, where the weights are in the model's folder, too."""
        return HeadFloor.of(self.checkpoint)

    def greedy(self, prompts: Sequence[Ids], max_new_tokens: int) -> list[Ids]:
        return self._at_once(lambda ids: self._written(ids, max_new_tokens), prompts)

    def sampled(
        self, prompts: Sequence[Ids], max_new_tokens: int, sampling: Sampling, seeds: Sequence[int]
    ) -> NoReturn:
        raise InputError(f"{self.server.name}: served: it writes greedily only; leave generate.temperature out")

    def score(self, ids: Ids, first: int, k: int) -> Columns:
        """The columns of a text's positions from `first` on. Raises Unfit for an answer that cannot be used."""
        settings = {"max_tokens": 1, "prompt_logprobs": min(k, self.vocab_size)}
        return columns_of(self._choice(ids, settings), ids, first, k, self.vocab_size)

    def write(self, ids: Ids, max_new_tokens: int) -> tuple[Ids, Any]:
        """The new ids after these, and why the server stopped. Raises Unfit."""
        choice = self._choice(ids, {"max_tokens": max_new_tokens, "stop_token_ids": list(self.end_ids)})
        new = choice.get("token_ids")
        if not isinstance(new, list) or not new or not all(type(i) is int and 0 <= i < self.vocab_size for i in new):
            raise Unfit("ids", "the ids that it wrote are missing", "it needs return_token_ids, as vLLM has them")
        if choice.get("prompt_token_ids") != list(ids):
            raise Unfit("ids", "it read other ids than were sent", "it must read ids as they are")
        return until_end(new[:max_new_tokens], self.end_ids), choice.get("finish_reason")

    def _scored(self, name: str, head: Ids, answer: Ids, k: int) -> Columns:
        try:
            return self.score((*head, *answer), len(head), k)
        except Unfit as error:
            raise InputError(f"{self.server.name}: {self.server.url}: {name}: {error}") from None

    def _written(self, ids: Ids, max_new_tokens: int) -> Ids:
        try:
            new, finish = self.write(ids, max_new_tokens)
        except Unfit as error:
            raise InputError(f"{self.server.name}: {self.server.url}: {error}") from None
        if finish == "stop" and new[-1] not in self.end_ids:
            known = ", ".join(map(str, self.end_ids))
            raise InputError(
                f"{self.server.name}: {self.server.url}: it ends an answer with the id {new[-1]}, the files of the "
                f"model with {known}; give eos_token_id in generation_config.json as the server has it"
            )
        return new

    def _choice(self, ids: Ids, settings: dict[str, Any]) -> dict[str, Any]:
        body = {"model": self.settings.model, "prompt": list(ids)} | _GREEDY | settings
        choices = self.server.call(_COMPLETIONS, body).get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        return choice if isinstance(choice, dict) else {}

    def _sent(self, response: Response) -> Ids:
        beyond = next((i for i in response.token_ids if i >= self.vocab_size), None)
        if beyond is not None:
            raise InputError(
                f"response {response.response_id!r}: the id {beyond} is none of the {self.vocab_size:,} of model "
                f"{self.checkpoint.model_id}, and a server scores the ids it has"
            )
        return response.token_ids

    def _at_once(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """The results in order, so many requests at a time; the first error ends what has not begun."""
        pool = ThreadPoolExecutor(self.settings.requests_at_once, thread_name_prefix="requests")
        try:
            return [future.result() for future in [pool.submit(work, item) for item in items]]
        except BaseException as error:
            if not isinstance(error, Exception):
                self.server.end()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def connect(checkpoint: Checkpoint, settings: ServedSettings, end_ids: Ids, top_k: int) -> ServedModel:
    """The model behind the server, once its probe has passed. Raises InputError: one line."""
    name = f"models.{checkpoint.model_id}.engine"
    key = None
    if settings.key_env is not None:
        key = os.environ.get(settings.key_env, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise InputError(f"{name}.key_env: the environment variable {settings.key_env} holds no key; set it")
    server = Server(settings.url, name, key, settings.timeout, settings.retries)
    model = ServedModel(checkpoint, end_ids, settings, server, top_k)
    card = _card(server, settings.model)
    owner, version = _word(card.get("owned_by")) or "unknown server", _version(server)
    model.engine = f"served by {owner}{' ' + version if version else ''}"
    length = card.get("max_model_len")
    model.longest = length if type(length) is int and length > 2 else None
    model.loaded = probe(model)
    return model


def _card(server: Server, name: str) -> dict[str, Any]:
    """What the server says of the model. Raises InputError naming those that it has."""
    cards = server.call("/v1/models").get("data")
    known = {card.get("id"): card for card in cards if isinstance(card, dict)} if isinstance(cards, list) else {}
    if name not in known:
        names = ", ".join(printable(str(i))[:80] for i in list(known)[:5]) or "none"
        raise InputError(f"{server.name}.model: {server.url} has no {name!r}; it has: {names}")
    card: dict[str, Any] = known[name]
    return card


def _version(server: Server) -> str:
    """As vLLM's /version says; not every server has it."""
    asked = Server(server.url, server.name, server.key, min(server.timeout, 10), 0)
    try:
        return _word(asked.call("/version").get("version"))
    except InputError:
        return ""


def _word(value: Any) -> str:
    """A server's own word for the record: short, printable, without what separates words there."""
    return printable(value.replace(",", " "))[:40].strip() if isinstance(value, str) else ""
