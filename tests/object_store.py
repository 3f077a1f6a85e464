"""An S3 server on this machine: moto's, in this process, and a gate before it that fails as stores and networks do."""

from __future__ import annotations

import http.client
import itertools
import logging
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAMADEUP", "AWS_SECRET_ACCESS_KEY": "made-up-secret-key", "AWS_REGION": "eu-central-1"}
_NUMBERS = itertools.count(1)


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that holds its objects in memory."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://127.0.0.1:{1}".format(*server.get_host_and_port())
    finally:
        server.stop()


def new_bucket(address: str) -> str:
    """The URL of a prefix in an empty bucket."""
    name = f"made-{os.getpid()}-{next(_NUMBERS)}"
    region = '<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-central-1</LocationConstraint>'
    body = f"<CreateBucketConfiguration>{region}</CreateBucketConfiguration>".encode()
    urllib.request.urlopen(urllib.request.Request(f"{address}/{name}", body, method="PUT")).close()
    return f"s3://{name}/a/prefix"


@contextmanager
def strangers_refused() -> Iterator[None]:
    """The server knows no key."""
    from moto import settings
    from moto.core.responses import ActionAuthenticatorMixin

    settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count = 0, 0
    try:
        yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")


class Gate:
    """Passes requests on to a server, but answers the next of them as `faults` says: (status, body), or lost."""

    LOST = (0, "")  # passed on, but the connection breaks off before the answer

    def __init__(self, server: str, faults: Iterator[tuple[int, str] | None], only: str = "") -> None:
        """`only`: the one method whose requests fail."""
        self.server, self.faults, self.asked = server.removeprefix("http://"), faults, 0
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                gate.asked += 1
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                fault = next(gate.faults, None) if only in ("", self.command) else None
                status, said = (
                    gate.passed_on(self, body) if fault in (None, Gate.LOST) else (fault[0], fault[1].encode())
                )
                if fault == Gate.LOST:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                for name in ("etag", "last-modified"):
                    if name in gate.headers:
                        self.send_header(name, gate.headers[name])
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_PUT = do_DELETE = do_HEAD = answer

            def log_message(self, *_: object) -> None:
                pass

        self.headers: dict[str, str] = {}
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def passed_on(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.server)
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, answer.read()
