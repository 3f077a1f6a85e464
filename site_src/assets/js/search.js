// Search over findings and examples. Over http by Pagefind, which fetches the few pieces of its index that a query
// needs; from file://, where nothing can be fetched, over a plain list. Loaded when the field is first used; text is
// never HTML.
(() => {
  "use strict";
  const { make, script, number, counted, taken } = window.tdsDom;
  /** @type {HTMLElement | null} */
  const box = document.querySelector(".tds-search");
  if (!box) return;
  /** @type {(selector: string) => any} */
  const part = (selector) => box.querySelector(selector);
  const input = part("input");
  const popup = part(".tds-search__results");
  const list = part("[role=listbox]");
  const note = part(".tds-search__note");
  const status = part("[role=status]");
  const root = new URL(box.dataset.root + "/", location.href).href;
  const PAUSE = 40; // milliseconds without a key
  const EACH = 6,
    KINDS = [
      ["finding", "Findings"],
      ["page", "About"],
      ["example", "Examples"],
    ];
  /** @type {Promise<(query: string) => any> | undefined} */
  let engine;
  let searching = false,
    waiting = 0,
    chosen = -1,
    shown = ""; // the query whose results stand in the list
  /** @type {string[]} */
  const held = []; // keys pressed before the results of what stands in the field were there

  const load = () => (engine ??= location.protocol === "file:" ? plain() : pagefind().catch(plain));

  async function pagefind() {
    const module = await import(root + "pagefind/pagefind.js");
    await module.init();
    return async (query) => {
      const groups = await Promise.all(KINDS.map(([kind]) => module.search(query, { filters: { kind } })));
      return Promise.all(
        groups.map(async ({ results }) => ({
          count: results.length,
          hits: (await Promise.all(results.slice(0, EACH).map((result) => result.data()))).map((hit) => ({
            url: hit.raw_url ? new URL(hit.raw_url.replace(/^\//, ""), root).href : hit.url,
            title: [hit.meta.title, hit.meta.comparison].filter(Boolean).join(" · "),
            text: hit.plain_excerpt,
          })),
        })),
      );
    };
  }

  async function plain() {
    await script(`${root}assets/js/search-list.js`);
    return async (query) => inList(window.tdsSearchList, query);
  }

  function inList(rows, query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return KINDS.map(([kind]) => {
      const found = rows.filter(
        (r) => r[0] === kind && words.every((w) => r[2].toLowerCase().includes(w) || r[3].toLowerCase().includes(w)),
      );
      found.sort((a, b) => inTitle(b, words) - inTitle(a, words));
      return {
        count: found.length,
        hits: found
          .slice(0, EACH)
          .map(([, url, title, text]) => ({ url: root + url, title, text: around(text, words[0]) })),
      };
    });
  }

  const inTitle = (row, words) => words.filter((w) => row[2].toLowerCase().includes(w)).length;

  function around(text, word) {
    const start = Math.max(0, text.toLowerCase().indexOf(word) - 60);
    return (start ? "…" : "") + text.slice(start, start + 180);
  }

  function marked(tag, text, query) {
    const words = query
      .split(/\s+/)
      .filter(Boolean)
      .map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pieces = text.split(new RegExp(`(${words.join("|")})`, "gi"));
    return make(tag, { dir: "auto" }, ...pieces.map((piece, i) => (i % 2 ? make("mark", "", piece) : piece)));
  }

  // One kind of results: a group of options below its name. The options are numbered through all kinds.
  function group({ count, hits }, kind, first, query) {
    const name = make("p", { className: "tds-search__kind", id: `tds-search-${kind[0]}` });
    name.append(`${kind[1]} · ${number(count)}`);
    const options = hits.map((hit, i) => {
      const parts = [marked("b", hit.title || "", query), marked("span", hit.text || "", query)];
      const props = {
        href: hit.url,
        id: `tds-hit-${first + i}`,
        tabIndex: -1,
        role: "option",
        "aria-selected": "false",
      };
      return make("a", props, ...parts);
    });
    return make("div", { role: "group", "aria-labelledby": name.id }, name, ...options);
  }

  function show(groups, query) {
    let first = 0;
    list.replaceChildren();
    groups.forEach((found, g) => {
      if (found.count) list.append(group(found, KINDS[g], first, query));
      first += found.hits.length;
    });
    const count = groups.reduce((sum, found) => sum + found.count, 0);
    tell(count ? "" : `No results for “${query}”`, `${counted(count, "result")} for “${query}”`);
    shown = query;
    held.splice(0).forEach(act);
  }

  // What stands in the place of results; and what is said of them to those who do not see them.
  function tell(text, aloud = text) {
    note.textContent = text;
    note.hidden = !text;
    if (text) list.replaceChildren();
    status.textContent = text || aloud;
    choose(-1);
    open(true);
  }

  function open(on) {
    popup.hidden = !on;
    input.setAttribute("aria-expanded", String(on && list.childElementCount > 0));
    if (on) return;
    choose(-1);
    status.textContent = "";
  }

  // One search at a time, of what stands in the field by then: those of half a word would hold up that of the whole.
  async function search() {
    const query = input.value.trim();
    if (query.length < 2) return open(false);
    if (searching || (query === shown && !popup.hidden)) return;
    searching = true;
    try {
      const groups = await (await load())(query);
      if (query === input.value.trim()) show(groups, query);
    } catch {
      held.length = 0;
      tell("The search index could not be loaded.");
    }
    searching = false;
    if (query !== input.value.trim()) search();
  }

  const options = () => [...list.querySelectorAll("[role=option]")];

  // The focus stays in the field; which option is meant the field says by its id.
  function choose(at) {
    chosen = at;
    options().forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", options()[at].id);
    options()[at].scrollIntoView({ block: "nearest" });
  }

  // What a key does to the results of what stands in the field: it waits for them, and acts on no others.
  function act(key) {
    if (shown !== input.value.trim()) {
      held.push(key);
      return search();
    }
    if (popup.hidden) return search();
    if (key === "Enter") return options()[Math.max(chosen, 0)]?.click();
    const count = options().length;
    const by = key === "ArrowDown" ? 1 : -1;
    if (count) choose(chosen < 0 && by < 0 ? count - 1 : (chosen + by + count) % count);
  }

  input.addEventListener("focus", () => load().catch(() => {}));
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    held.length = 0;
    waiting = setTimeout(search, PAUSE);
  });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      act(event.key);
    }
    if (event.key === "Enter") act(event.key);
    if (event.key === "Escape") {
      open(false);
      input.blur();
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.composedPath().includes(box)) open(false);
  });
  window.addEventListener(
    "keydown",
    (event) => {
      if (taken(event)) return;
      if (event.key === "/" || event.key === "s") {
        event.preventDefault();
        event.stopImmediatePropagation();
        input.focus();
      }
    },
    true,
  );
})();
