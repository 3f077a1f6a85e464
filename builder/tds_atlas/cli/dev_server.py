"""`tds dev`: the site on this machine, built again where its sources change; open pages load themselves again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from tds_atlas.cli.site_server import SiteHandler, SiteServer, site_server
from tds_atlas.domain import InputError
from tds_atlas.terminal import complain, tell

_PAUSE, _MOMENT = 0.25, 0.05  # seconds between two looks at the sources, and until they are at rest
_STATE = "/__tds_dev"  # which dev.js asks for
_SCRIPT = f"<script>{(Path(__file__).parent / 'dev.js').read_text(encoding='utf-8')}</script>".encode()


class Sources(Protocol):
    """What is watched: a report's preview."""

    def state(self) -> dict[Path, int]: ...

    def update(self, changed: Collection[Path]) -> list[str]: ...


class Development:
    """The state of the site: a version that counts builds, and the last complaint."""

    def __init__(self, sources: Sources) -> None:
        self.sources, self.version, self.message = sources, 0, ""
        self._known, self._failed = sources.state(), set[Path]()

    def look(self) -> bool:
        """Build again if a source has changed. Returns whether one had."""
        now = self.sources.state()
        if now == self._known:
            return False
        while (later := self._after_a_moment()) != now:  # a file that is being replaced is gone for a moment
            now = later
        changed = self._failed | {path for path, _ in now.items() ^ self._known.items()}
        self._known = now
        start = time.perf_counter()
        try:
            warnings = self.sources.update(changed) if changed else []
        except InputError as error:
            self._failed, self.message = changed, str(error)
            complain(self.message)
            return True
        self._failed, self.message = set(), "\n".join(warnings)
        self.version += 1
        names = ", ".join(sorted(path.name for path in changed)[:3])
        tell(f"{names}: built again in {time.perf_counter() - start:.1f} s")
        for line in warnings:
            complain(line)
        return True

    def _after_a_moment(self) -> dict[Path, int]:
        time.sleep(_MOMENT)
        return self.sources.state()


def dev_server(folder: Path, port: int, development: Development) -> SiteServer:
    """A server for a site that pages ask for its version, not yet running."""
    return site_server(folder, port, partial(_Handler, development))


def watch(server: SiteServer, development: Development) -> None:
    """Serve and build again until interrupted."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while True:
            development.look()
            time.sleep(_PAUSE)


class _Handler(SiteHandler):
    """Adds the script to pages as they are sent, and answers it; the files of the site stay as they are."""

    def __init__(self, development: Development, *args: object, directory: str) -> None:
        self._development = development
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        page = path / "index.html" if self.path.split("?")[0].endswith("/") else path
        if self.path == _STATE:
            state = {"version": self._development.version, "message": self._development.message}
            self._send("application/json", json.dumps(state).encode())
        elif page.suffix == ".html" and page.is_file():
            self._send("text/html; charset=utf-8", page.read_bytes().replace(b"</body>", _SCRIPT + b"</body>"))
        else:
            super().do_GET()

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: pages ask three times a second."""
