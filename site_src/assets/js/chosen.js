// Which comparisons a reader looks at, on every page alike: kept in this browser for this site; all, unless some are
// chosen. `tds-chosen` on the document says that the choice has changed.
(() => {
  "use strict";
  const all = /** @type {string[]} */ (window.tdsComparisons ?? []);
  const site = new URL("../../", /** @type {HTMLScriptElement} */ (document.currentScript).src);
  const KEY = `tds-comparisons:${site.pathname}`;
  let names = new Set(all);

  /** Some of them; none is as good as all. */
  function some(/** @type {unknown} */ asked) {
    const known = Array.isArray(asked) ? all.filter((name) => asked.includes(name)) : [];
    return new Set(known.length ? known : all);
  }

  function read() {
    try {
      names = some(JSON.parse(localStorage.getItem(KEY) ?? "null"));
    } catch {
      names = new Set(all); // no storage, or another program's words in it
    }
  }

  function choose(/** @type {string[]} */ asked) {
    names = some(asked);
    try {
      if (names.size < all.length) localStorage.setItem(KEY, JSON.stringify([...names]));
      else localStorage.removeItem(KEY);
    } catch {
      /* no storage: the choice ends with the page */
    }
    document.dispatchEvent(new Event("tds-chosen"));
  }

  read();
  addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    read();
    document.dispatchEvent(new Event("tds-chosen"));
  });

  window.tdsChosen = {
    all,
    choose,
    names: () => [...names],
    partly: () => names.size < all.length,
    shows: (/** @type {unknown} */ name) => names.has(/** @type {string} */ (name)) || !all.includes(`${name}`),
  };
})();
