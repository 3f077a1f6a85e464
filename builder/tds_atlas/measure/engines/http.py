"""JSON over HTTP with a server that may be slow, busy or gone: time limits, retries with longer and longer waits.

A key goes into the header of a request and nowhere else: no message and no record holds it, and redirects, which would
carry it elsewhere, are not followed.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from tds_atlas.domain import InputError, one_line, printable

_FIRST_WAIT, _LONGEST_WAIT, _LONGEST_ASKED = 0.5, 30.0, 120.0  # seconds
_BUSY = (408, 425, 429)  # and every 5xx: worth another try
_MOST_BYTES = 2**30
_PORTION = 2**16


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class ServerError(Exception):
    """What the server answered instead; `wait`: seconds until another try, None if none is worth it."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


@dataclass
class Server:
    """A server by its address. `name` begins every message: which key of the report file."""

    url: str
    name: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 600.0
    retries: int = 6
    gone: str | None = None  # why no further request is worth making
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a POST of JSON, or to a GET without a body. Raises InputError: one line.

        Once all tries of a request have failed no other is made: a run ends at once, and finished shards are kept.
        """
        problem, wait = "", _FIRST_WAIT
        for attempt in range(self.retries + 1):
            if self.gone:
                raise InputError(self.gone)
            try:
                return self._once(path, body)
            except ServerError as error:
                problem = str(error)
                if error.wait is None:
                    raise InputError(f"{self.name}: {self.url}{path}: {problem}") from None
                if attempt < self.retries:
                    self._ended.wait(max(wait, error.wait))
                    wait = min(2 * wait, _LONGEST_WAIT)
        times = f"{self.retries + 1} times" if self.retries else "once"
        remedy = "start it, or run again later; finished shards are kept"
        self.gone = f"{self.name}: {self.url}{path}: {problem}, tried {times}; {remedy}"
        self._ended.set()
        raise InputError(self.gone)

    def end(self) -> None:
        """Wake what waits for another try: the run is over."""
        self.gone = self.gone or f"{self.name}: {self.url}: interrupted"
        self._ended.set()

    def _once(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        request = urllib.request.Request(self.url + path, data, headers)
        end = time.monotonic() + self.timeout
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=self.timeout) as answer:
                return self._parsed(_read(answer, end))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (TimeoutError, urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise ServerError(self._plain(_reason(error, self.timeout)), 0) from None

    def _refusal(self, error: urllib.error.HTTPError) -> ServerError:
        """A status that is not 2xx, with what the server says of it."""
        try:
            said = error.read(4096).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            said = ""
        problem = f"status {error.code}: {self._plain(_message(said)) or 'no reason given'}"
        if error.code in _BUSY or error.code >= 500:
            return ServerError(problem, _asked_wait(error.headers.get("Retry-After")))
        if error.code in (401, 403):
            problem += "; name the environment variable with the key in key_env"
        elif error.code in (301, 302, 303, 307, 308):
            problem += "; it points elsewhere: give that address itself"
        return ServerError(problem)

    def _parsed(self, raw: bytes) -> dict[str, Any]:
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ServerError("answers with something else than JSON; is it a server with OpenAI's interface?")
        return value

    def _plain(self, text: str) -> str:
        """As one line without the key."""
        line = printable(one_line(ValueError(text))) if text else ""
        return line.replace(self.key, "...") if self.key else line


def _read(answer: Any, end: float) -> bytes:
    """The body, which must come whole before `end` and fit into memory."""
    parts, size = [], 0
    while part := answer.read1(_PORTION):
        parts.append(part)
        size += len(part)
        if time.monotonic() > end:
            raise TimeoutError
        if size > _MOST_BYTES:
            raise ServerError(f"an answer of more than {_MOST_BYTES >> 20} MB; lower score.top_k")
    expected = answer.headers.get("content-length")
    if expected is not None and expected.strip() != str(size):
        raise http.client.IncompleteRead(b"")
    return b"".join(parts)


def _reason(error: Exception, timeout: float) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(inner, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(inner, ConnectionRefusedError):
        return "nothing answers there"
    if isinstance(inner, http.client.HTTPException | ConnectionError):
        return "the connection broke off"
    return one_line(inner) if isinstance(inner, BaseException) else str(inner)


def _message(said: str) -> str:
    """What an error's JSON says, or its text."""
    try:
        value = json.loads(said)
        error = value.get("error", value) if isinstance(value, dict) else {}
        found = error.get("message") if isinstance(error, dict) else error
        return found if isinstance(found, str) else said
    except (ValueError, RecursionError):
        return said


def _asked_wait(header: str | None) -> float:
    """Seconds that a Retry-After asks for, in seconds or as a date; at most two minutes."""
    try:
        wait = float(header or 0)
    except ValueError:
        try:
            wait = parsedate_to_datetime(str(header)).timestamp() - time.time()
        except (ValueError, TypeError):
            wait = 0
    return min(max(wait, 0), _LONGEST_ASKED) if wait == wait else 0
