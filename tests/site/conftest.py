"""The built site in headless Chromium: made once in a run from the synthetic database, served below a sub-path and from file://."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import once, write_site
from tests.report.undrawn import few_figures, undrawn
from tests.site import long
from tests.site.chromium import NoBrowser, chromium, serve


@pytest.fixture(scope="session")
def site(made_project: Path) -> Path:
    return made_project / "root" / "sub" / "atlas"


@pytest.fixture(scope="session")
def lengthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers of 336 and 1,000 tokens; see long.py."""
    with undrawn(), few_figures():
        return once(tmp_path_factory, "long", lambda project: write_site(project, long.write, pages=["index.md"])) / "site"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Without any, CI fails and others skip."""
    try:
        with chromium() as browser:
            yield browser
    except NoBrowser:
        if os.environ.get("CI"):
            raise
        pytest.skip("no Chromium or Chrome on the PATH: install one, or run `.venv/bin/playwright install chromium`")


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator[str]:
    """The address of the site below a sub-path."""
    with serve(site.parent.parent) as address:
        yield f"{address}/sub/atlas/"


@pytest.fixture(params=["http", "file"])
def base(request: pytest.FixtureRequest, site: Path) -> str:
    """Where the site is opened from: each test that asks for it runs both ways."""
    return request.getfixturevalue("served") if request.param == "http" else site.as_uri() + "/"


class Watched:
    """A page that remembers what it must not do: complain, ask for a dialog, or reach out of the site."""

    def __init__(
        self, browser: Browser, base: str, width: int = 1280, scheme: str = "light", bypass_csp: bool = False
    ) -> None:
        """bypass_csp: for what only a test evaluates in a page that has a policy."""
        self.base, self.faults = base, list[str]()
        view: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "bypass_csp": bypass_csp}
        self.context = browser.new_context(**view)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda m: self.faults.append(f"console: {m.text}") if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.faults.append(f"error: {e}"))
        self.page.on("dialog", lambda d: (self.faults.append(f"dialog: {d.message}"), d.dismiss()))
        self.page.on("request", self._request)

    def _request(self, request: object) -> None:
        url = str(request.url)  # type: ignore[attr-defined]
        if not url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"request: {url}")

    def open(self, path: str) -> Page:
        self.page.goto("about:blank")
        self.page.goto(self.base + path, wait_until="load")
        return self.page


def watching(browser: Browser, base: str) -> Iterator[Watched]:
    """A browser on a site; afterwards it must have seen no fault."""
    watched = Watched(browser, base)
    yield watched
    watched.context.close()
    assert watched.faults == []


@pytest.fixture
def watch(browser: Browser, base: str) -> Iterator[Watched]:
    yield from watching(browser, base)
