// Search over findings and examples. Over http by Pagefind, which fetches the few pieces of its index that a query needs;
// from file://, where nothing can be fetched, over a plain list. Loaded when the field is first used; text is never HTML.
(() => {
  "use strict";
  const box = document.querySelector(".tds-search");
  if (!box) return;
  const input = box.querySelector("input"), list = box.querySelector(".tds-search__results");
  const root = new URL(box.dataset.root + "/", location.href).href;
  const PAUSE = 40; // milliseconds without a key
  const EACH = 6, KINDS = [["finding", "Findings"], ["page", "About"], ["example", "Examples"]];
  let engine = null, searching = false, waiting = 0, chosen = -1;

  const load = () => (engine ??= location.protocol === "file:" ? plain() : pagefind().catch(plain));

  async function pagefind() {
    const module = await import(root + "pagefind/pagefind.js");
    await module.init();
    return async (query) => {
      const groups = await Promise.all(KINDS.map(([kind]) => module.search(query, { filters: { kind } })));
      return Promise.all(groups.map(async ({ results }) => ({
        count: results.length,
        hits: (await Promise.all(results.slice(0, EACH).map((result) => result.data()))).map((hit) => ({
          url: hit.raw_url ? new URL(hit.raw_url.replace(/^\//, ""), root).href : hit.url, title: [hit.meta.title, hit.meta.comparison].filter(Boolean).join(" · "), text: hit.plain_excerpt,
        })),
      })));
    };
  }

  function plain() {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = root + "assets/js/search-list.js";
      script.addEventListener("error", reject);
      script.addEventListener("load", () => resolve(async (query) => inList(window.tdsSearchList, query)));
      document.head.append(script);
    });
  }

  function inList(rows, query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return KINDS.map(([kind]) => {
      const found = rows.filter((r) => r[0] === kind && words.every((w) => r[2].toLowerCase().includes(w) || r[3].toLowerCase().includes(w)));
      found.sort((a, b) => inTitle(b, words) - inTitle(a, words));
      return { count: found.length, hits: found.slice(0, EACH).map(([, url, title, text]) => ({ url: root + url, title, text: around(text, words[0]) })) };
    });
  }

  const inTitle = (row, words) => words.filter((w) => row[2].toLowerCase().includes(w)).length;

  function around(text, word) {
    const start = Math.max(0, text.toLowerCase().indexOf(word) - 60);
    return (start ? "…" : "") + text.slice(start, start + 180);
  }

  function marked(tag, text, query) {
    const node = document.createElement(tag);
    const words = query.split(/\s+/).filter(Boolean).map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    text.split(new RegExp(`(${words.join("|")})`, "gi")).forEach((piece, i) => {
      if (i % 2) node.append(Object.assign(document.createElement("mark"), { textContent: piece }));
      else node.append(piece);
    });
    return node;
  }

  function show(groups, query) {
    list.replaceChildren();
    groups.forEach(({ count, hits }, g) => {
      if (!count) return;
      list.append(Object.assign(document.createElement("p"), { className: "tds-search__kind", textContent: `${KINDS[g][1]} · ${count.toLocaleString("en")}` }));
      for (const hit of hits) {
        const link = Object.assign(document.createElement("a"), { href: hit.url });
        link.setAttribute("role", "option");
        link.append(marked("b", hit.title || "", query), marked("span", hit.text || "", query));
        list.append(link);
      }
    });
    if (!list.children.length) note(`Nothing holds “${query}”.`);
    chosen = -1;
    open(true);
  }

  function note(text) {
    list.replaceChildren(Object.assign(document.createElement("p"), { className: "tds-search__note", textContent: text }));
    open(true);
  }

  function open(on) {
    list.hidden = !on;
    input.setAttribute("aria-expanded", String(on));
  }

  // One search at a time, of what stands in the field by then: those of half a word would hold up that of the whole.
  async function search() {
    const query = input.value.trim();
    if (query.length < 2) return open(false);
    if (searching) return;
    searching = true;
    try {
      const groups = await (await load())(query);
      if (query === input.value.trim()) show(groups, query);
    } catch (error) {
      note("The search index could not be loaded.");
    }
    searching = false;
    if (query !== input.value.trim()) search();
  }

  function choose(by) {
    const links = [...list.querySelectorAll("a")];
    if (!links.length) return;
    chosen = (chosen + by + links.length) % links.length;
    links.forEach((link, i) => link.setAttribute("aria-selected", String(i === chosen)));
    links[chosen].scrollIntoView({ block: "nearest" });
  }

  input.addEventListener("focus", () => load().catch(() => {}));
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, PAUSE); });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); choose(event.key === "ArrowDown" ? 1 : -1); }
    if (event.key === "Enter") (list.querySelector('[aria-selected="true"]') ?? list.querySelector("a"))?.click();
    if (event.key === "Escape") { open(false); input.blur(); }
  });
  document.addEventListener("pointerdown", (event) => { if (!box.contains(event.target)) open(false); });
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/" || event.key === "s") { event.preventDefault(); event.stopImmediatePropagation(); input.focus(); }
  }, true);
})();
