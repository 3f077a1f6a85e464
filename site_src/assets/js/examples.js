// The table of examples: sorted and filtered in place, a window of rows at a time, so that thousands cost what fifty
// do. Its state is in the address, and the order of its rows in the session, where an example page finds its
// neighbours.
(() => {
  "use strict";
  const { make, button, number, remember } = window.tdsDom;
  const { rows, names, numbers, taskNames, topicNames, segmentNames, roleNames, finishes, comparisons, text } =
    window.tdsRows;
  const root = /** @type {HTMLElement} */ (document.getElementById("tds-table"));
  const SPARE = 12; // rows drawn beyond either edge
  const COLUMNS = ["prompt", "comparison", "tokens", "shifted", "marginal", "kl", "delta", "first", "rank"];
  const SHORT = {
    prompt: "Prompt",
    comparison: "Comparison",
    ...Object.fromEntries(Object.entries(numbers).map(([key, { short }]) => [key, short])),
  };
  const FIRST = {
    comparison: "",
    task: "",
    topic: "",
    harm: "",
    finish: "",
    sample: "",
    segment: "",
    role: "",
    position: "",
    text: "",
    sort: "",
    down: "1",
  };
  const state = { ...FIRST, range: {} };
  let found = [],
    drawn = new Map();

  // The address: a number's range is KEY=from..to, either end may be missing.
  function read() {
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      const range = /^(-?[\d.]*)\.\.(-?[\d.]*)$/.exec(value);
      if (Object.hasOwn(numbers, key) && range) state.range[key] = [range[1], range[2]];
      else if (Object.hasOwn(state, key) && key !== "range") state[key] = value;
    }
    if (!COLUMNS.includes(state.sort)) state.sort = "";
    if (!/^\d{1,2}$/.test(state.position)) state.position = "";
    // A mark of a figure knows a comparison by its name.
    state.comparison = comparisons.find((known) => known.includes(state.comparison))?.[0] ?? "";
  }
  function write() {
    const kept = Object.entries({ ...state, range: "" }).filter(
      ([key, value]) => value && !(key === "down" && (value === "1" || !state.sort)),
    );
    for (const [key, [from, to]] of Object.entries(state.range)) kept.push([key, `${from}..${to}`]);
    remember(String(new URLSearchParams(kept)));
  }

  function matching() {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const ranges = Object.entries(state.range).map(([key, [from, to]]) => [
      numbers[key].value,
      from === "" ? -Infinity : Number(from) * numbers[key].unit,
      to === "" ? Infinity : Number(to) * numbers[key].unit,
    ]);
    const comparison = state.comparison ? comparisons.findIndex(([id]) => id === state.comparison) : -1;
    const task = taskNames.indexOf(state.task),
      topic = topicNames.indexOf(state.topic),
      finish = finishes.indexOf(state.finish),
      segment = segmentNames.indexOf(state.segment),
      role = roleNames.indexOf(state.role);
    const keep = rows.filter(
      (i) =>
        (state.comparison ? names.comparison(i) === comparison : window.tdsChosen.shows(names.label(i))) &&
        (!state.task || names.tasks(i).includes(task)) &&
        (!state.topic || names.topics(i).includes(topic)) &&
        (!state.harm || names.harmful(i) === (state.harm === "true" ? 1 : 0)) &&
        (!state.finish || names.finish(i) === finish) &&
        (!state.sample || names.answer(i) === state.sample) &&
        (!state.segment || (state.segment === "none" ? !names.parts(i).length : names.parts(i).includes(segment))) &&
        (!state.role || names.roles(i).includes(role)) &&
        (!state.position || names.shiftedAt(i, Number(state.position))) &&
        ranges.every(([value, from, to]) => {
          const x = value(i);
          return x !== null && x >= from - 1e-9 && x <= to + 1e-9;
        }) &&
        words.every((word) => text(i).includes(word)),
    );
    return state.sort ? sorted(keep) : keep;
  }

  // By one column; what has no value comes last either way, and equal rows stay in the order of the prompts.
  function sorted(list) {
    const sign = state.down === "1" ? -1 : 1;
    if (numbers[state.sort]) {
      const keys = new Map(list.map((i) => [i, numbers[state.sort].value(i)]));
      return list.sort((a, b) => {
        const x = keys.get(a),
          y = keys.get(b);
        return x === null || y === null ? Number(x === null) - Number(y === null) : sign * (x - y);
      });
    }
    const key = state.sort === "prompt" ? names.prompt : names.label;
    const order = new Map(
      [...new Set(list.map(key))].sort(new Intl.Collator("en").compare).map((value, i) => [value, i]),
    );
    const place = (i) => order.get(key(i)) ?? 0;
    return list.sort((a, b) => sign * (place(a) - place(b)));
  }

  function keepOrder() {
    const by = (numbers[state.sort]?.name ?? SHORT[state.sort] ?? "").toLowerCase();
    const label = state.sort ? `sorted by ${by}, ${state.down === "1" ? "largest" : "smallest"} first` : "";
    const order = found.filter(names.page).map((i) => `${names.id(i)}/${names.file(i)}`);
    try {
      sessionStorage.setItem(`tds-order:${new URL("./", location.href).pathname}`, JSON.stringify({ order, label }));
    } catch {
      /* no session: pages follow the prompts */
    }
  }

  function set(key, value) {
    state[key] = value;
    write();
    draw();
  }

  function bar(i) {
    const box = make("span", { className: "tds-bar" });
    for (const [name, share] of Object.entries(names.shares(i))) {
      const part = make("i", { className: `tds-b-${name}` });
      part.style.width = `${100 * share}%`;
      box.append(part);
    }
    return box;
  }

  function line(place) {
    const i = found[place];
    const link = make("a", {
      ...(names.page(i) && { href: `examples/${encodeURIComponent(names.id(i))}/${names.file(i)}.html` }),
      textContent: names.prompt(i),
      title: names.prompt(i),
      dir: "auto",
    });
    const tags = [
      ...names.tasks(i).map((k) => taskNames[k]),
      ...names.topics(i).map((k) => topicNames[k]),
      ...(names.harmful(i) ? ["harmful"] : []),
      ...(finishes[names.finish(i)] === "length" ? ["cut"] : []),
      ...(names.answer(i) ? [`answer ${names.answer(i)}`] : []),
    ];
    const small = make("span", { className: "tds-row-tags" });
    const by =
      numbers[state.sort] && state.sort !== "shifted"
        ? `${numbers[state.sort].short} ${numbers[state.sort].show(i)} · `
        : "";
    small.append(make("span", { className: "tds-sorted", textContent: `${by}${names.label(i)} · ` }), tags.join(" · "));
    const cells = COLUMNS.slice(2).map((key) =>
      make("td", { className: "tds-n" }, numbers[key].show(i), ...(key === "shifted" ? [bar(i)] : [])),
    );
    const row = make(
      "tr",
      { "aria-rowindex": place + 2 },
      make("td", {}, link, small),
      make("td", { textContent: names.label(i), title: names.label(i) }),
      ...cells,
    );
    return row;
  }

  function heading(key) {
    const on = state.sort === key;
    const arrow = state.down === "1" ? " ↓" : " ↑";
    const sort = button("", SHORT[key] + (on ? arrow : ""), () => {
      if (on) set("down", state.down === "1" ? "0" : "1");
      else {
        state.down = numbers[key] ? "1" : "0";
        set("sort", key);
      }
      head.querySelectorAll("button")[COLUMNS.indexOf(key)].focus();
    });
    const order = on ? (state.down === "1" ? "descending" : "ascending") : "none";
    return make("th", { scope: "col", className: numbers[key] ? "tds-n" : "", "aria-sort": order }, sort);
  }

  const head = make("tr"),
    body = make("tbody"),
    table = make("table", { className: "tds-rows" }, make("thead", {}, head), body),
    pane = make("div", { className: "tds-pane" }, table);
  const count = make("p", { className: "tds-count", role: "status" });
  let height = 0;

  // Which rows the window shows; a row that stays keeps its node, and with it the focus.
  function window_() {
    height ||= body.querySelector("tr")?.getBoundingClientRect().height || 52;
    const top = -pane.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(Math.floor(top / height), found.length) - SPARE);
    const last = Math.min(found.length, Math.ceil((top + innerHeight) / height) + SPARE);
    const next = new Map();
    for (let place = first; place < last; place++) next.set(place, drawn.get(place) ?? line(place));
    for (const [place, row] of drawn) if (!next.has(place)) row.remove();
    let after = body.firstChild;
    for (const row of next.values()) {
      if (row === after) after = after.nextSibling;
      else body.insertBefore(row, after);
    }
    drawn = next;
    pane.style.paddingTop = `${first * height}px`;
    pane.style.paddingBottom = `${Math.max(0, found.length - last) * height}px`;
  }

  function draw() {
    found = matching();
    drawn = new Map();
    count.textContent = `${number(found.length)} of ${number(rows.length)} examples`;
    head.replaceChildren(...COLUMNS.map(heading));
    table.setAttribute("aria-rowcount", found.length + 1);
    body.replaceChildren();
    height = 0;
    if (found.length) body.append(line(0));
    height = body.firstChild?.getBoundingClientRect().height ?? 0;
    body.replaceChildren();
    window_();
    window.tdsFilters.draw();
    keepOrder();
  }

  let waiting = false;
  const later = () => {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        window_();
      });
    }
  };
  read();
  root.append(...window.tdsFilters.build(state, set), count, pane);
  draw();
  addEventListener("scroll", later, { passive: true });
  addEventListener("resize", draw);
  document.addEventListener("tds-chosen", draw);
  addEventListener("hashchange", () => {
    Object.assign(state, FIRST, { range: {} });
    read();
    draw();
  });
})();
