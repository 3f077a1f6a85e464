"""The built site's files; its pages get what only a server gives them: a way to the live page, and there the token."""

from __future__ import annotations

import os
import re
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tds_atlas.domain import InputError
from tds_atlas.report.csp import policy

PAGE = "live.html"
_TABS = re.compile(r'(class="md-tabs__list">.*?)(</ul>)', re.DOTALL)
_DRAWER = re.compile(r'(<nav class="md-nav md-nav--primary.*?<ul class="md-nav__list"[^>]*>)', re.DOTALL)
_TAB = f'<li class="md-tabs__item"><a href="/{PAGE}" class="md-tabs__link">Try it</a></li>'
_ENTRY = (
    f'<li class="md-nav__item"><a href="/{PAGE}" class="md-nav__link"><span class="md-ellipsis">Try it</span></a></li>'
)
_SCRIPT = '<script src="/assets/js/live-server.js" defer></script>'


class Pages(StaticFiles):
    """A site's files, as hosts of static sites give them: ranges, the site's own 404 page, no listings."""

    def __init__(self, site: Path, token: str) -> None:
        if not (site / PAGE).is_file():
            raise InputError(f"{site}: has no {PAGE}: a site of an earlier version; build it again with `tds site`")
        super().__init__(directory=site, html=True)
        self.site, self.token = site, token

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        path = Path(full_path)
        if path.suffix != ".html":
            response = super().file_response(full_path, stat_result, scope, status_code)
            response.headers["Cache-Control"] = "no-cache"  # the site may be built again
        else:
            response = self._page(path, status_code)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def _page(self, path: Path, status: int) -> Response:
        text = with_link(path.read_text(encoding="utf-8"))
        rules = f"{policy(text)}; frame-ancestors 'none'"
        if path.name == PAGE and path.parent.samefile(self.site):
            text = with_token(text, self.token)
        return HTMLResponse(text, status, {"Cache-Control": "no-store", "Content-Security-Policy": rules})


def with_link(page: str) -> str:
    """The page with a way to the live page in its navigation, unless it has one."""
    tabs = _TABS.search(page)
    if tabs is None or f'{PAGE}"' in tabs[1]:
        return page
    page = page[: tabs.end(1)] + _TAB + page[tabs.end(1) :]
    return _DRAWER.sub(lambda match: match[1] + _ENTRY, page, count=1)


def with_token(page: str, token: str) -> str:
    """The live page with the server's client, and the token that the client shows."""
    meta = f'<meta name="tds-live" content="{token}">'
    return page.replace("</head>", f"{meta}</head>", 1).replace("</body>", f"{_SCRIPT}</body>", 1)
