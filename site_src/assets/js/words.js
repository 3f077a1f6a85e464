// The index of words. window.tdsWords.words has rows [word, shard, comparison, occurrences, shifted, comparison, ...];
// a shard is a script that calls tdsWordLines with [[row, [[comparison, prompts, low, high, [[token, count]],
// lines]]]], where a line is [page, position, class, rank, baseTop, before, after]. The page's state is in its
// fragment.
(() => {
  "use strict";
  const { make, button, script, number, percent, counted } = window.tdsDom;
  const { comparisons, labels, paged, words } = window.tdsWords;
  const root = /** @type {HTMLElement} */ (document.getElementById("tds-words"));
  const here = new URL("words/", document.baseURI).href;
  const PAGE = 80,
    LINES = 60;
  const CLASSES = window.tdsClasses.names;
  const hasPage = new Set(paged);
  const lines = new Map(),
    loading = new Map();
  const shows = (i) => window.tdsChosen.shows(labels[i]);

  /** The counts of a word over the comparisons that are shown; null where none of them has it. */
  function sum(by) {
    const all = { n: 0, shifted: 0 };
    for (const [i, one] of by)
      if (shows(i)) {
        all.n += one.n;
        all.shifted += one.shifted;
      }
    return all.n ? all : null;
  }

  const rows = words.map(([word, shard, ...rest], id) => {
    const by = new Map();
    for (let i = 0; i < rest.length; i += 3) by.set(rest[i], { n: rest[i + 1], shifted: rest[i + 2] });
    return { id, word, low: word.toLowerCase(), shard, by, all: sum(by) };
  });
  const state = { word: "", in: "", find: "", sort: "shifted", least: "1", kind: "" };
  const first = { ...state };
  /** @type {typeof rows[number] | null} */
  let open = null;
  let found = [],
    shown = PAGE,
    lineCount = LINES;

  const shownWord = (word) => word.replace(/\n/g, "↵").replace(/\t/g, "⇥");
  const comparison = () => (state.in ? comparisons.indexOf(state.in) : -1);
  const counts = (row) => (comparison() < 0 ? row.all : row.by.get(comparison()));

  window.tdsWordLines = (_shard, parts) => {
    for (const [id, by] of parts) lines.set(id, by);
  };

  function load(shard) {
    if (!loading.has(shard)) {
      const reading = script(`${here}${shard}.js`);
      loading.set(shard, reading);
      reading.catch(() => loading.delete(shard));
    }
    return loading.get(shard);
  }

  function remember() {
    const kept = Object.entries(state).filter(([key, value]) => value !== first[key]);
    window.tdsDom.remember(String(new URLSearchParams(kept)));
  }

  function search() {
    const wanted = state.find.trim().toLowerCase(),
      least = Number(state.least);
    found = rows.filter((row) => {
      const c = counts(row);
      return c && c.n >= least && (!wanted || row.low.includes(wanted));
    });
    const value = {
      shifted: (r) => counts(r).shifted,
      count: (r) => counts(r).n,
      share: (r) => counts(r).shifted / counts(r).n,
    }[state.sort];
    const begins = (row) => (wanted && row.low.startsWith(wanted) ? (row.low === wanted ? 2 : 1) : 0);
    found.sort(
      (a, b) =>
        begins(b) - begins(a) ||
        (value ? value(b) - value(a) || counts(b).n - counts(a).n : 0) ||
        (a.low < b.low ? -1 : a.low > b.low ? 1 : a.id - b.id),
    );
    shown = PAGE;
  }

  function option(row) {
    const c = counts(row);
    const bar = make("i", { className: "tds-word-bar" });
    bar.style.width = `${(100 * c.shifted) / c.n}%`;
    const item = make(
      "li",
      { id: `w${row.id}`, className: "tds-word-row" },
      make("b", { dir: "auto", textContent: shownWord(row.word) }),
      make("span", { textContent: `${number(c.shifted)} of ${number(c.n)}` }),
      bar,
    );
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(row === open));
    item.dataset.id = row.id;
    return item;
  }

  function drawList() {
    status.textContent = `${number(found.length)} of ${number(rows.length)} words`;
    list.replaceChildren(...found.slice(0, shown).map(option));
    mark();
  }

  function mark() {
    for (const item of list.querySelectorAll("[aria-selected=true]")) item.setAttribute("aria-selected", "false");
    const item = open && list.querySelector(`#w${open.id}`);
    item?.setAttribute("aria-selected", "true");
    if (item) list.setAttribute("aria-activedescendant", item.id);
    else list.removeAttribute("aria-activedescendant");
    return item;
  }

  function grow() {
    if (shown >= found.length) return;
    list.append(...found.slice(shown, shown + PAGE).map(option));
    shown += PAGE;
  }

  function into(item) {
    if (item.offsetTop < list.scrollTop) list.scrollTop = item.offsetTop;
    else if (item.offsetTop + item.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = item.offsetTop + item.offsetHeight - list.clientHeight;
  }

  function pick(row) {
    if (!row) return;
    open = row;
    state.word = row.word;
    lineCount = LINES;
    while (shown <= found.indexOf(row)) grow();
    const item = mark();
    if (item) into(item);
    remember();
    drawWord();
  }

  function step(by) {
    const at = found.indexOf(open) + by;
    pick(found[Math.min(found.length - 1, Math.max(0, at))]);
  }

  async function drawWord() {
    const row = open;
    if (!row) return detail.replaceChildren(make("p", { className: "tds-hint", textContent: "No word selected." }));
    try {
      await load(row.shard);
    } catch (error) {
      return detail.replaceChildren(make("p", { className: "tds-hint", textContent: error.message }));
    }
    if (row !== open) return;
    const mine = lines.get(row.id).filter(([i]) => (comparison() < 0 ? shows(i) : i === comparison()));
    if (!mine.length)
      return detail.replaceChildren(
        make("h2", { dir: "auto", textContent: shownWord(row.word) }),
        make("p", {
          className: "tds-hint",
          textContent: "No answer of this comparison, or of those shown, has this word.",
        }),
      );
    detail.replaceChildren(
      make("h2", { dir: "auto", textContent: shownWord(row.word) }),
      make("div", { className: "tds-word-sums" }, ...mine.map((part) => summary(row, part))),
      mine.some((part) => part[4].length)
        ? make("p", "tds-small", "Which tokens took the place of which: ", substitutions())
        : "",
      kinds(mine),
      ...concordance(row, mine),
    );
  }

  const substitutions = () =>
    make("a", {
      href: "findings/what.html#what-would-the-base-have-said",
      textContent: "what the base would have said",
    });

  function summary(row, [i, prompts, low, high, instead]) {
    const { n, shifted } = row.by.get(i);
    const scale = make("span", { className: "tds-word-scale" }, make("i"), make("b"));
    scale.firstChild.style.cssText = low === null ? "display:none" : `left:${100 * low}%;width:${100 * (high - low)}%`;
    scale.lastChild.style.left = `${(100 * shifted) / n}%`;
    scale.setAttribute("aria-hidden", "true");
    const said = make("p", { className: "tds-word-instead" }, "The base would have said ");
    instead.forEach(([token, count], k) =>
      said.append(k ? " " : "", make("code", { textContent: token }), ` ${number(count)}`),
    );
    return make(
      "section",
      {},
      make("h3", { textContent: labels[i] }),
      make(
        "p",
        { className: "tds-word-share" },
        make("b", { textContent: percent(shifted / n) }),
        " shifted",
        make("span", { textContent: low === null ? "" : ` (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})` }),
      ),
      scale,
      make("p", {
        className: "tds-word-counts",
        textContent: `${number(shifted)} of ${number(n)} occurrences, ` + `in answers to ${counted(prompts, "prompt")}`,
      }),
      instead.length ? said : "",
    );
  }

  function kinds(mine) {
    const box = make("div", { className: "tds-word-kinds", role: "group", ariaLabel: "Which lines" });
    const have = mine.flatMap((part) => part[5]);
    for (const [value, text] of [["", "all lines"], ...CLASSES.map((name) => [name, name]).reverse()]) {
      const count = value ? have.filter((line) => CLASSES[line[2]] === value).length : have.length;
      const choice = button("", `${text} ${number(count)}`, () => {
        state.kind = value;
        lineCount = LINES;
        remember();
        drawWord();
      });
      Object.assign(choice, { disabled: !count, ariaPressed: state.kind === value });
      box.append(choice);
    }
    return box;
  }

  function concordance(row, mine) {
    const out = [];
    for (const [i, , , , , all] of mine) {
      const kept = all.filter((line) => !state.kind || CLASSES[line[2]] === state.kind);
      if (!kept.length) continue;
      const { shifted } = row.by.get(i),
        have = all.filter((line) => line[2] === 2).length;
      const cut = have < shifted ? `${number(have)} of ${number(shifted)} shifted shown` : "";
      out.push(make("h3", { className: "tds-kwic-head" }, labels[i], make("span", { textContent: cut })));
      out.push(
        make("ol", { className: "tds-kwic" }, ...kept.slice(0, lineCount).map((line) => context(i, row.word, line))),
      );
      if (kept.length > lineCount) {
        const more = button("tds-more", `Show ${number(kept.length - lineCount)} more`, () => {
          lineCount = Infinity;
          drawWord();
        });
        out.push(more);
      }
    }
    return out;
  }

  function context(i, word, [page, pos, kind, rank, top, before, after]) {
    const link = make(
      "a",
      hasPage.has(Number.parseInt(page, 10)) ? { href: `examples/${comparisons[i]}/${page}.html#t${pos}` } : {},
      make("span", { className: "tds-kwic-l" }, make("bdi", { textContent: shownWord(before) })),
      make("b", { dir: "auto", className: `tds-c-${CLASSES[kind]}`, textContent: shownWord(word) }),
      make("span", { className: "tds-kwic-r" }, make("bdi", { textContent: shownWord(after) })),
      make("span", { className: "tds-kwic-base" }, make("code", { textContent: top }), ` rank ${number(rank)}`),
    );
    link.title = `${CLASSES[kind]}, base rank ${rank}; the base would have said ${top}`;
    return make("li", {}, link);
  }

  function select(key, label, options) {
    const box = window.tdsDom.select(key, label, options, (value) => {
      state[key] = value;
      remember();
      search();
      drawList();
      drawWord();
    });
    box.value = state[key];
    return box;
  }

  function read() {
    Object.assign(state, first);
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in first) state[key] = value;
    state.in = comparisons[labels.indexOf(state.in)] ?? state.in; // a mark of a figure knows a comparison by its name
    if (!comparisons.includes(state.in)) state.in = "";
    if (!["shifted", "count", "share", "word"].includes(state.sort)) state.sort = "shifted";
    box.value = state.find;
    for (const s of filters.querySelectorAll("select")) s.value = state[s.name];
    search();
    open = rows.find((row) => row.word === state.word) ?? (state.word ? null : (found[0] ?? null));
    drawList();
    if (open) {
      while (shown <= found.indexOf(open)) grow();
      const item = mark();
      if (item) into(item);
    }
    drawWord();
  }

  const box = make("input", {
    type: "search",
    placeholder: "find a word",
    ariaLabel: "Find a word",
    autocomplete: "off",
  });
  box.addEventListener("input", () => {
    state.find = box.value;
    remember();
    search();
    drawList();
    if (box.value.trim() && found.length) pick(found[0]);
  });
  const filters = make(
    "form",
    { className: "tds-filters" },
    box,
    comparisons.length > 1
      ? select("in", "Comparison", [["", "every comparison"], ...comparisons.map((c, i) => [c, labels[i]])])
      : "",
    select("sort", "Order", [
      ["shifted", "most shifted first"],
      ["share", "largest share first"],
      ["count", "most frequent first"],
      ["word", "alphabetical"],
    ]),
    select("least", "Occurrences", [
      ["1", "all words"],
      ["5", "5 times or more"],
      ["20", "20 times or more"],
      ["100", "100 times or more"],
    ]),
  );
  filters.addEventListener("submit", (event) => event.preventDefault());
  const status = make("p", { className: "tds-count", role: "status" });
  const list = make("ul", { className: "tds-word-list", tabIndex: 0, role: "listbox", ariaLabel: "Words" });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) pick(rows[item.dataset.id]);
  });
  list.addEventListener("scroll", () => {
    if (list.scrollTop + list.clientHeight > list.scrollHeight - 200) grow();
  });
  const keys = { ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => step(10), PageUp: () => step(-10) };
  for (const node of [box, list]) {
    node.addEventListener("keydown", (event) => {
      const act =
        keys[event.key] ??
        (node === list ? { Home: () => pick(found[0]), End: () => pick(found.at(-1)) }[event.key] : undefined);
      if (!act) return;
      event.preventDefault();
      act();
    });
  }
  const detail = make("div", { className: "tds-word-detail", ariaLive: "polite" });
  root.replaceChildren(filters, make("div", { className: "tds-word-panes" }, make("div", {}, status, list), detail));
  window.addEventListener("hashchange", read);
  document.addEventListener("tds-chosen", () => {
    for (const row of rows) row.all = sum(row.by);
    read();
  });
  read();
  document.fonts?.ready.then(() => {
    const item = mark();
    if (item) into(item);
  }); // rows have their height now
})();
