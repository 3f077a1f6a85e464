"""The texts of strings.py in every field of a database, and its site in a browser: nothing acts, every text stands as it was.

In the table a text is `right` if prompt and answer read as they were stored, `traceback` if the console complains, `silent`
if it acts or another host is asked, `lost` if prompt or answer reads otherwise.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser, Error

from tests.conftest import ROOT
from tests.hostile.case import COLUMNS
from tests.hostile.process import forked
from tests.hostile.strings import STRINGS
from tests.report import synthetic
from tests.site.chromium import chromium, serve
from tests.site.conftest import Watched

Row = dict[str, bool]
FIELDS = """model.label model.source model.revision model.architecture model.loaded context.template context.system
    context.template_kwargs condition.prompt_card condition.opening
    condition.closing reading.text condition.remarks comparison.label comparison.extended prompt.set
    swap.text prefill.prefix prefill.said prefill.opening continuation.text fingerprint.text_before
    recovery.prompt recovery.prefix recovery.said amplified.text""".split()  # noqa: SIM905
LISTS = ("tasks", "topics", "truths")
_ID = 150  # characters; an id has at most 200
ACTED = """() => [
  window.pwned && 'it ran',
  document.title === 'pwned' && 'it changed the title',
  ...[...document.querySelectorAll('*')].flatMap(node => [...node.attributes]
    .filter(a => a.name.startsWith('on') || /^\\s*(javascript|data:text)/i.test(a.value) && ['href', 'src', 'action'].includes(a.name))
    .map(a => `${node.nodeName} has ${a.name}=${a.value}`)),
].filter(Boolean)"""


def write_database(path: Path) -> Path:
    """The made-up database with a prompt and an answer for each text, and texts in all other fields."""
    synthetic.HOSTILE[:] = STRINGS
    synthetic.write(path, prompts=len(STRINGS), comparisons=1, noise=True, further=True, rich=True)
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TEMP TABLE hostile (i INT, text VARCHAR)")
        con.executemany("INSERT INTO hostile VALUES (?, ?)", list(enumerate(STRINGS)))
        n = len(STRINGS)
        for k, field in enumerate(FIELDS):
            table, column = field.split(".")
            con.execute(
                f'UPDATE {table} AS t SET "{column}" = h.text FROM hostile AS h WHERE h.i = (t.rowid + {17 * k}) % {n}'
            )
        for name in LISTS:
            con.execute(
                f"UPDATE prompt AS t SET {name} = [left(h.text, {_ID})] FROM hostile AS h WHERE h.i = (t.rowid * 7) % 12"
            )
        name = f"left(h.text, {_ID}) || ' ' || h.i"
        for table in ("prompt", "reading", "response", "swap", "prefill"):
            con.execute(
                f"UPDATE {table} AS t SET prompt_id = {name} FROM hostile AS h WHERE t.prompt_id = 'p' || (h.i + 1)"
            )
        con.execute("INSERT INTO control SELECT 'c-1', 'value', text, prompt_id FROM prompt")
        con.execute(
            "INSERT INTO control SELECT 'c-1', kind, text, NULL FROM hostile, unnest(['phrase', 'topic']) AS k(kind)"
        )
        tokens = "SELECT 'tok', 10 + i, text, text, false, false FROM hostile"
        con.execute(f"INSERT INTO token (tokenizer_id, token_id, text, decoded, is_word_start, is_special) {tokens}")
        con.execute(f"UPDATE position SET token_id = 10 + (pos * 13 + rowid) % {n} WHERE NOT is_end")
        con.execute(
            f"UPDATE score SET top_ids = list_transform(range(10), lambda x: (10 + (pos * 13 + rowid + x * 5) % {n})::INT)"
        )
        con.execute(f"UPDATE model SET vocab_size = {10 + n}")
        for key, joint in (("title", " "), ("description", "\n"), ("config", "\n")):
            con.execute("UPDATE run SET value = ? WHERE key = ?", [joint.join(STRINGS), f"report_{key}"])
    return path


def texts(database: Path) -> list[tuple[int, str, str]]:
    """Each example page's number, prompt and answer, as they are stored."""
    with duckdb.connect(str(database), read_only=True) as con:
        rows = con.execute(
            "SELECT ordinal, p.text, r.text FROM prompt p JOIN response r USING (prompt_id) ORDER BY ALL"
        )
        return rows.fetchall()


def write_project(project: Path) -> list[tuple[int, str, str]]:
    from tds_atlas.report.docs import write_docs
    from tds_atlas.report.site import build_site

    shutil.copytree(ROOT / "site_src", project / "site_src")
    shutil.copy(ROOT / "mkdocs.yml", project)
    database = write_database(project / "made.duckdb")
    write_docs(database, project / "site_src", project / "build" / "docs")
    build_site(project / "mkdocs.yml", project / "root" / "site")
    return texts(database)


def main(project: Path) -> tuple[dict[str, list[Row]], list[str]]:
    """The rows of the table by kind, and a line for each fault."""
    made: dict[str, list[Row]] = {}
    faults: list[str] = []
    stored = forked(lambda: write_project(project))
    site = project / "root" / "site"
    with chromium() as browser, serve(site.parent) as address:
        for scheme, base in (("http", f"{address}/site/"), ("file", f"{site.as_uri()}/")):
            for kind, tries in (
                (f"pages, {scheme}", _pages(browser, base, site)),
                (f"texts, {scheme}", _texts(browser, base, stored)),
            ):
                for name, row, said in tries:
                    made.setdefault(kind, []).append(row)
                    faults += [f"{kind}: {name}: {'; '.join(said)[:400]}"] if said else []
    return made, faults


def _pages(browser: Browser, base: str, site: Path) -> Iterator[tuple[str, Row, list[str]]]:
    """Every page that is no example."""
    watched = Watched(browser, base)
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith("examples/"):
            yield (name, *_opened(watched, name, None))
    watched.context.close()


def _texts(browser: Browser, base: str, stored: list[tuple[int, str, str]]) -> Iterator[tuple[str, Row, list[str]]]:
    watched = Watched(browser, base)
    for ordinal, prompt, answer in stored:
        yield (repr(prompt)[:60], *_opened(watched, f"examples/c-1/{ordinal}.html", (prompt, answer)))
    watched.context.close()


def _opened(watched: Watched, path: str, text: tuple[str, str] | None) -> tuple[Row, list[str]]:
    hang, acted, other = False, list[str](), list[str]()
    watched.faults.clear()
    try:
        page = watched.open(path)
        acted = page.evaluate(ACTED)
        if text is not None:
            page.keyboard.press("ArrowRight")
            page.locator("#panel .tds-side").first.wait_for(timeout=10_000)
            acted += page.evaluate(ACTED)
            other = _other(page, *text)
    except Error as error:
        hang, other = True, [f"{error}".splitlines()[0]]
    asked = [fault for fault in watched.faults if not fault.startswith(("console", "error"))]
    row: dict[str, Any] = dict.fromkeys(COLUMNS, False) | {"tried": True, "traceback": len(asked) < len(watched.faults)}
    row |= {"silent": bool(acted or asked), "hang": hang, "lost": bool(other) and not hang}
    return row | {"right": not (watched.faults or acted or other)}, [*watched.faults, *acted, *other]


def _other(page: Any, prompt: str, answer: str) -> list[str]:
    """Where prompt or answer read otherwise. In the heading a control character is U+FFFD: HTML cannot hold it."""
    heading = "".join("\ufffd" if (c < " " and c not in "\n\t") or "\x7f" <= c < "\xa0" else c for c in prompt)
    read = {
        selector: page.locator(selector).evaluate("node => node.textContent") for selector in (".tds-prompt", "#answer")
    }
    return [
        f"{key} reads {read[key]!r}, not {text!r}"
        for key, text in ((".tds-prompt", heading), ("#answer", answer))
        if read[key] != text
    ]
