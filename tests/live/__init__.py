"""The live page's server for tests: a small report of the pocket pair, its process, and a client that is no browser."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tds_atlas.live.published import write_models
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure_apart, site
from tests.command import Started
from tests.report.undrawn import copy_pages

DATA = Path(__file__).parents[2] / "data"
REPORT = f"""
name: pair
title: The pocket pair
models:
  base: {{path: {DATA}/pocket/base, dtype: float32}}
  sft: {{path: {DATA}/pocket/sft, dtype: float32}}
contexts:
  plain: {{kind: plain, template: "# Question:\\n{{prompt}}\\n\\n# Answer:\\n"}}
  chat: {{kind: chat}}
prompts: {{path: prompts.jsonl}}
comparisons:
  - {{id: base-sft, base: {{model: base, context: plain}}, aligned: {{model: sft, context: chat}}}}
"""
Headers = Mapping[str, str | None]


FAMILY = (
    REPORT.replace("contexts:", f"  dpo: {{path: {DATA}/pocket/dpo, dtype: float32}}\ncontexts:")
    + """  - {base: {model: base, context: plain}, aligned: {model: dpo, context: chat}}
  - {base: {model: sft, context: chat}, aligned: {model: dpo, context: chat}}
site: {publish_models: 13}
"""
)


def measure_family(folder: Path) -> None:
    """The whole family in three comparisons, and its site, which publishes the models."""
    measure_pair(folder, FAMILY)
    copy_pages(folder, "index.md", "live.md", "findings/index.md")
    shutil.copy(DATA.parent / "mkdocs.yml", folder)
    with contextlib.chdir(folder):
        plan = read_plan(folder / "pocket.yml")
        write_models(plan)
        site(plan.report.output.database, Path("root/sub/atlas"), hosted=True)


def measure_pair(folder: Path, report: str = REPORT) -> None:
    """The report and its database in an empty folder."""
    rows = (DATA / "prompts" / "pocket.jsonl").read_text(encoding="utf-8").splitlines()[::100]
    (folder / "prompts.jsonl").write_text("\n".join(rows[:4]), encoding="utf-8")
    (folder / "pocket.yml").write_text(report, encoding="utf-8")
    with contextlib.chdir(folder):
        measure_apart(read_plan(folder / "pocket.yml"))


@dataclass(frozen=True)
class Said:
    """An answer over HTTP."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Server:
    """A running server: its port, and the token of its page."""

    port: int
    token: str = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: Any = None, headers: Headers | None = None, method: str = "") -> Said:
        """As its own page asks, but for these headers: None leaves one out. A body of bytes is sent as it is."""
        own = {"Origin": self.address, "X-TDS-Token": self.token, "Content-Type": "application/json"}
        sent = {name: value for name, value in {**own, **(headers or {})}.items() if value is not None}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method or ("GET" if body is None else "POST"), path, data, sent)
        answer = connection.getresponse()
        headers_said = {name.lower(): value for name, value in answer.getheaders()}
        said = Said(answer.status, answer.read().decode(), headers_said)
        connection.close()
        return said


@contextlib.contextmanager
def serving(folder: Path, site: Path, port: int) -> Iterator[Server]:
    """The command in the folder of the report, until the block ends."""
    options = ("--live", "--report", "pocket.yml", "--site", str(site), "--port", str(port))
    run = Started("serve", *options, cwd=folder, seconds=3600)
    try:
        page = _page(run, Server(port))
        token = re.search(r'<meta name="tds-live" content="([^"]+)">', page)
        assert token, page[:2000]
        yield Server(port, token[1])
    finally:
        run.terminate()
        run.wait()


def _page(run: Started, server: Server) -> str:
    for _ in range(600):
        with contextlib.suppress(OSError):
            return server.ask("/live.html", headers={"Origin": None}).text
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    raise TimeoutError("the server has not answered in half a minute")
