"""The built site over HTTP on this machine, as hosts of static sites do: ranges, its own 404 page, no listings."""

from __future__ import annotations

import io
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from tds_atlas.domain import InputError

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def site_server(folder: Path, port: int, handler: Callable[..., SiteHandler] | None = None) -> SiteServer:
    """A server for a folder, not yet running. Raises InputError for a port that cannot be used."""
    with _usable(port):
        return SiteServer(("127.0.0.1", port), partial(handler or SiteHandler, directory=str(folder)))


def loopback(port: int) -> socket.socket:
    """A socket at a port of this machine alone. Raises InputError for a port that cannot be used."""
    with _usable(port):
        return socket.create_server(("127.0.0.1", port))


@contextmanager
def _usable(port: int) -> Iterator[None]:
    """Around what binds a port."""
    if not 0 < port < 2**16:
        raise InputError(f"--port {port}: not a port; give a number from 1 to {2**16 - 1}")
    try:
        yield
    except OSError as error:
        raise InputError(f"port {port}: {error.strerror}; choose another with --port") from None


class SiteServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves in the middle of a file is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class SiteHandler(SimpleHTTPRequestHandler):
    """Adds to the standard library's handler: one range of bytes (DuckDB and Pagefind read parts of files)."""

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        asked, path = _RANGE.fullmatch(self.headers.get("Range", "")), self.translate_path(self.path)
        if asked is None or not (asked[1] or asked[2]) or not Path(path).is_file() or path.endswith("/"):
            return super().send_head()
        size = Path(path).stat().st_size
        start, end = _bounds(asked[1], asked[2], size)
        if start >= size or end < start:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end - start + 1))
        self.end_headers()
        with Path(path).open("rb") as file:
            file.seek(start)
            return io.BytesIO(file.read(end - start + 1))

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """A folder without a page is not found."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The site's own page where a page is missing."""
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a range; without a first one, so many bytes at the end."""
    if not first:
        return max(0, size - int(last)), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1
