"""Who may ask: this machine's own page alone. Other sites' pages, which a browser runs on this machine too, may not.

The name in the address must be loopback's (against DNS rebinding), the origin this server's own (against requests
across sites), the body JSON and short, and the token that of the page, which no other site can read.
"""

from __future__ import annotations

import hmac
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tds_atlas.live.asked import BODY_BYTES

METHODS = {"/live/describe": "GET", "/live/read": "POST", "/live/write": "POST"}  # of the API; all else is the site's
TOKEN_HEADER = "x-tds-token"


class Refused(Exception):
    """A request that gets no answer: its status and one line."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line

    def response(self) -> JSONResponse:
        return JSONResponse({"error": self.line}, self.status, {"Cache-Control": "no-store"})


class Guard:
    """In front of the whole server."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        names = ("127.0.0.1", "localhost")
        self.app, self.token = app, token
        self.hosts = {f"{name}:{port}" for name in names} | ({*names} if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["type"] != "http":
                raise Refused(HTTPStatus.FORBIDDEN, "only HTTP is spoken here")
            self._check(scope["path"], scope["method"], Headers(scope=scope))
        except Refused as refused:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await refused.response()(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _check(self, path: str, method: str, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self.hosts:
            raise Refused(HTTPStatus.FORBIDDEN, "this server answers at 127.0.0.1 and localhost alone")
        if path not in METHODS:
            return
        if method != METHODS[path]:
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} is asked with {METHODS[path]}")
        if origin != f"http://{host}" and (origin is not None or method != "GET"):  # of a GET a browser may not say it
            raise Refused(HTTPStatus.FORBIDDEN, "only this server's own pages may ask its models (Origin)")
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Refused(HTTPStatus.FORBIDDEN, "only this server's own pages may ask its models (Sec-Fetch-Site)")
        if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            raise Refused(HTTPStatus.FORBIDDEN, "the page is of an earlier start of the server; load it again")


async def json_body(request: Request) -> bytes:
    """The body of a request. Raises Refused unless it says that it is JSON, and is short."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is over {BODY_BYTES:,} bytes; ask for less")
    return bytes(body)
