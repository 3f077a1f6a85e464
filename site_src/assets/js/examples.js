// The table of examples: window.tdsExamples sorted and filtered in place, a window of rows at a time; its state is in the URL.
// A row is [comparison, ordinal, prompt, tasks, topics, harmful, tokens, finish, unshifted, marginal, shifted, kl, answer].
(() => {
  "use strict";
  const { rows, comparisons } = window.tdsExamples;
  const root = document.getElementById("tds-table");
  const PAGE = 60;
  const COLUMNS = [
    ["prompt", 2, "Prompt"], ["comparison", 0, "Comparison"], ["tokens", 6, "Tokens"], ["shifted", 10, "Shifted"],
    ["marginal", 9, "Marginal"], ["kl", 11, "Mean KL"],
  ];
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const unique = (index) => [...new Set(rows.flatMap((row) => row[index]))].sort();
  const state = { comparison: "", task: "", topic: "", harm: "", finish: "", text: "", sort: "", down: "1" };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in state) state[key] = value;
  let shown = PAGE;

  function select(key, label, options) {
    if (options.length < 2) return "";
    const box = make("select", { name: key, ariaLabel: label }, make("option", { value: "", textContent: label }));
    for (const [value, text] of options) box.append(make("option", { value, textContent: text }));
    box.value = state[key];
    box.addEventListener("change", () => set(key, box.value));
    return box;
  }

  function set(key, value) {
    state[key] = value;
    shown = PAGE;
    const kept = Object.entries(state).filter(([k, v]) => v && !(k === "down" && (v === "1" || !state.sort)));
    history.replaceState(null, "", kept.length ? `#${new URLSearchParams(kept)}` : location.pathname + location.search);
    draw();
  }

  function matching() {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((r) =>
      (!state.comparison || r[0] === state.comparison) && (!state.task || r[3].includes(state.task)) &&
      (!state.topic || r[4].includes(state.topic)) && (!state.harm || String(r[5]) === state.harm) &&
      (!state.finish || r[7] === state.finish) &&
      words.every((word) => r[2].toLowerCase().includes(word) || r[12].toLowerCase().includes(word)));
    const column = COLUMNS.find(([key]) => key === state.sort);
    if (column) {
      const [, i] = column, sign = state.down === "1" ? -1 : 1;
      found.sort((a, b) => sign * (typeof a[i] === "number" ? a[i] - b[i] : a[i].localeCompare(b[i])));
    }
    return found;
  }

  function bar(row) {
    const box = make("span", { className: "tds-bar" });
    ["unshifted", "marginal", "shifted"].forEach((name, i) => {
      const part = make("i", { className: `tds-b-${name}` });
      part.style.width = `${100 * row[8 + i]}%`;
      box.append(part);
    });
    return box;
  }

  function line(row) {
    const link = make("a", { href: `examples/${row[0]}/${row[1]}.html`, textContent: row[2] });
    const tags = [...row[3], ...row[4], ...(row[5] ? ["harmful"] : []), ...(row[7] === "length" ? ["cut"] : [])];
    const small = make("span", { className: "tds-row-tags", textContent: tags.join(" · ") });
    return make("tr", {}, make("td", {}, link, small), make("td", { textContent: comparisons[row[0]] }),
      make("td", { className: "tds-n", textContent: row[6] }),
      make("td", { className: "tds-n" }, `${(100 * row[10]).toFixed(1)} %`, bar(row)),
      make("td", { className: "tds-n", textContent: `${(100 * row[9]).toFixed(1)} %` }),
      make("td", { className: "tds-n", textContent: row[11].toFixed(3) }));
  }

  function heading([key, , label]) {
    const on = state.sort === key;
    const button = make("button", { type: "button", textContent: label + (on ? (state.down === "1" ? " ↓" : " ↑") : "") });
    button.addEventListener("click", () => {
      if (on) return set("down", state.down === "1" ? "0" : "1");
      state.down = key === "prompt" || key === "comparison" ? "0" : "1";
      set("sort", key);
    });
    const cell = make("th", { scope: "col", className: ["prompt", "comparison"].includes(key) ? "" : "tds-n" }, button);
    cell.setAttribute("aria-sort", on ? (state.down === "1" ? "descending" : "ascending") : "none");
    return cell;
  }

  const search = make("input", { type: "search", placeholder: "words in prompt or answer", ariaLabel: "Words in prompt or answer", value: state.text });
  search.addEventListener("input", () => set("text", search.value));
  const named = (index) => unique(index).map((v) => [v, v]);
  const filters = make("form", { className: "tds-filters" }, search,
    select("comparison", "every comparison", Object.entries(comparisons)), select("task", "every task", named(3)),
    select("topic", "every topic", named(4)),
    select("harm", "harmful or not", rows.some((r) => r[5] !== null) ? [["true", "harmful"], ["false", "harmless"]] : []),
    select("finish", "ended or cut", unique(7).map((v) => [v, v === "stop" ? "ended by itself" : "cut at the limit"])));
  filters.addEventListener("submit", (event) => event.preventDefault());
  const count = make("p", { className: "tds-count" });
  count.setAttribute("role", "status");
  const head = make("tr"), body = make("tbody");
  const more = make("button", { type: "button", className: "tds-more", textContent: "Show more" });
  more.addEventListener("click", () => { shown += PAGE * 4; draw(); });

  function draw() {
    const found = matching();
    count.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} examples`;
    head.replaceChildren(...COLUMNS.map(heading));
    body.replaceChildren(...found.slice(0, shown).map(line));
    more.hidden = found.length <= shown;
  }

  root.append(filters, count, make("div", { className: "tds-scroll" }, make("table", {}, make("thead", {}, head), body)), more);
  draw();
})();
