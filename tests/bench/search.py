"""How long a reader waits for what search finds, and what that transfers. Alone: python -m tests.bench.search SITE"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.site.chromium import chromium, serve

WORDS = ("founder", "what is", "of course", "shifted", "river")  # rare and frequent ones
_WATCH = """() => {
    const input = document.querySelector(".tds-search__input"), list = document.querySelector(".tds-search__results");
    input.addEventListener("input", () => { window.typed = performance.now(); window.waited = -1; }, true);
    new MutationObserver(() => { if (list.querySelector("a")) window.waited = performance.now() - window.typed; }).observe(list, { childList: true });
}"""


def measure(site: Path) -> tuple[float, float]:
    """The longest wait from the last key to the results, in milliseconds, and the largest transfer before them, in kB.

    Each search is the first on its page, typed in one go, after the field was entered.
    """
    waits, sizes = [], []
    with serve(site) as address, chromium() as browser:
        for words in WORDS:
            page, size = browser.new_page(), [0]
            page.goto(f"{address}/index.html")
            page.wait_for_timeout(500)
            page.on("response", lambda got, size=size: size.append(int(got.headers.get("content-length", 0))))
            page.evaluate(_WATCH)
            page.locator(".tds-search__input").click()
            page.wait_for_timeout(500)
            page.keyboard.type(words)
            page.wait_for_function("window.waited > 0")
            waits.append(page.evaluate("window.waited"))
            sizes.append(sum(size) / 1e3)
            page.close()
    return max(waits), max(sizes)


if __name__ == "__main__":
    wait, size = measure(Path(sys.argv[1]))
    print(f"search: {wait:.0f} ms at the longest, {size:.0f} kB at the most")
