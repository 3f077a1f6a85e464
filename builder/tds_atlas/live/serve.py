"""`tds serve --live`: a report's models and its site at one address of this machine, until interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from tds_atlas.live.app import application
from tds_atlas.live.desk import Desk
from tds_atlas.pipeline.plan import read_plan


def serve_live(
    report: Path, site: Path, listener: socket.socket, device: str | None, ready: Callable[[], None]
) -> None:
    """listener: bound to a port of loopback. `ready` is called once questions can be asked."""
    plan, port = read_plan(report), listener.getsockname()[1]
    app = application(lambda: Desk(plan, device), site, port)
    ready()
    settings = uvicorn.Config(
        app, lifespan="off", log_config=None, log_level="critical", access_log=False, server_header=False
    )
    uvicorn.Server(settings).run(sockets=[listener])
