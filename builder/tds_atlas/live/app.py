"""The JSON API of the live page: three paths, one question at a time. An error is one line, never a trace."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from tds_atlas.domain import InputError, one_line
from tds_atlas.live.asked import Asked, Read, Write, asked
from tds_atlas.live.guard import METHODS, Guard, Refused, json_body
from tds_atlas.live.pages import Pages
from tds_atlas.terminal import complain

_AGAIN = "1"  # seconds after which a page asks again


class Answers(Protocol):
    """Whoever answers: a desk."""

    def describe(self) -> dict[str, Any]: ...

    def read(self, asked: Read) -> dict[str, Any]: ...

    def write(self, asked: Write) -> dict[str, Any]: ...


class Api:
    """The paths. The models have a thread of their own: what they keep between questions belongs to it."""

    def __init__(self, desk: Answers) -> None:
        self.desk, self.busy = desk, False
        self.thread = ThreadPoolExecutor(1, "models")

    async def describe(self, request: Request) -> Response:
        return _json(self.desk.describe())

    async def read(self, request: Request) -> Response:
        return await self._asked(request, Read, self.desk.read)

    async def write(self, request: Request) -> Response:
        return await self._asked(request, Write, self.desk.write)

    async def _asked(self, request: Request, kind: type[Asked], answer: Callable[[Asked], dict[str, Any]]) -> Response:
        try:
            question = asked(kind, await json_body(request))
            if self.busy:
                return _fault(HTTPStatus.SERVICE_UNAVAILABLE, "busy: the models are at another question; try again")
            return _json(await self._alone(lambda: answer(question)))
        except InputError as error:
            return _fault(HTTPStatus.BAD_REQUEST, str(error))
        except (Refused, HTTPException):
            raise
        except Exception as error:  # of any type, from a model's own code
            line = f"{type(error).__name__}: {one_line(error)}"
            complain(f"{request.url.path}: {line}")
            return _fault(HTTPStatus.INTERNAL_SERVER_ERROR, f"the server failed: {line}")

    async def _alone(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A question that has begun is answered to its end, even if nobody waits any more."""
        self.busy = True
        future = asyncio.get_running_loop().run_in_executor(self.thread, work)
        future.add_done_callback(self._free)
        return await asyncio.shield(future)

    def _free(self, _: object) -> None:
        self.busy = False


def application(desk: Callable[[], Answers], site: Path, port: int) -> Starlette:
    """The API and the site, for the port at which it is served. The site is looked at before models are loaded."""
    token = secrets.token_urlsafe()
    pages, api = Pages(site, token), Api(desk())
    routes = [
        *(Route(path, getattr(api, path.rpartition("/")[2]), methods=[METHODS[path]]) for path in METHODS),
        Mount("/", pages),
    ]
    faults = {Refused: _refused, HTTPException: _unknown}
    return Starlette(routes=routes, middleware=[Middleware(Guard, port, token)], exception_handlers=faults)  # type: ignore[arg-type]


async def _refused(request: Request, error: Refused) -> Response:
    return error.response()


async def _unknown(request: Request, error: HTTPException) -> Response:
    return _fault(HTTPStatus(error.status_code), f"{HTTPStatus(error.status_code).phrase.lower()}: {request.url.path}")


def _fault(status: HTTPStatus, line: str) -> Response:
    again = {"Retry-After": _AGAIN} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return JSONResponse({"error": line}, status, {"Cache-Control": "no-store"} | again)


def _json(value: Any) -> Response:
    return Response(as_json(value), media_type="application/json", headers={"Cache-Control": "no-store"})


def as_json(value: Any) -> str:
    """JSON has no infinity: a divergence is the text inf; what is not known, or no probability at all, is null."""
    return json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else None
    return value
