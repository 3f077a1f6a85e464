// The controls above the table of examples: words, choices, a range for any summary number, and an order for narrow screens.
(() => {
  "use strict";
  const { rows, names, numbers, comparisons, taskNames, topicNames, finishes } = window.tdsRows;
  const ENDS = { stop: "ended by itself", length: "cut at the limit", unknown: "end unknown" };
  let refresh = () => {};

  function build(state, set, make) {
    const controls = {};
    function select(key, label, options) {
      if (options.length < 2) return "";
      const box = make("select", { name: key, ariaLabel: label }, make("option", { value: "", textContent: label }));
      for (const [value, text] of options) box.append(make("option", { value, textContent: text }));
      box.addEventListener("change", () => set(key, box.value));
      controls[key] = box;
      return box;
    }

    const search = make("input", { type: "search", placeholder: "words in prompt or answer", ariaLabel: "Words in prompt or answer" });
    search.addEventListener("input", () => set("text", search.value));
    controls.text = search;
    const named = (list) => list.map((value) => [value, value]);
    const used = new Set(rows.map(names.finish));
    const first = make("form", { className: "tds-filters" }, search, select("comparison", "every comparison", comparisons),
      select("task", "every task", named(taskNames)), select("topic", "every topic", named(topicNames)),
      select("harm", "harmful or not", rows.some((i) => names.harmful(i) !== null) ? [["true", "harmful"], ["false", "harmless"]] : []),
      select("finish", "ended or cut", finishes.filter((_, k) => used.has(k)).map((value) => [value, ENDS[value]])));

    // One number at a time is edited; every range that is set stands beside it and can be taken away.
    const which = make("select", { name: "number", ariaLabel: "Number to filter by" });
    for (const [key, { name }] of Object.entries(numbers)) which.append(make("option", { value: key, textContent: name }));
    const ends = ["from", "to"].map((name) => make("input", { type: "number", name, ariaLabel: name === "from" ? "At least" : "At most", placeholder: name === "from" ? "at least" : "at most" }));
    for (const box of ends) box.addEventListener("input", () => {
      const range = ends.map((end) => end.value), kept = { ...state.range };
      if (range.some(Boolean)) kept[which.value] = range;
      else delete kept[which.value];
      set("range", kept);
    });
    which.addEventListener("change", () => { ends.forEach((end, k) => { end.value = state.range[which.value]?.[k] ?? ""; }); refresh(); });
    if (Object.keys(state.range).length) which.value = Object.keys(state.range)[0];
    const chips = make("span", { className: "tds-chips" });

    const order = make("select", { name: "sort", ariaLabel: "Sort by" }, make("option", { value: "", textContent: "in the order of the prompts" }));
    for (const [key, { name }] of Object.entries(numbers)) for (const [down, word] of [["1", "largest first"], ["0", "smallest first"]]) {
      order.append(make("option", { value: `${key} ${down}`, textContent: `${name}, ${word}` }));
    }
    order.addEventListener("change", () => { const [key, down] = order.value.split(" "); state.down = down ?? "1"; set("sort", key); });
    const second = make("form", { className: "tds-ranges" }, make("label", {}, "Only", which), ...ends, chips, make("label", { className: "tds-order-by" }, "Sort", order));
    for (const form of [first, second]) form.addEventListener("submit", (event) => event.preventDefault());

    refresh = () => {
      for (const [key, box] of Object.entries(controls)) if (box.value !== state[key]) box.value = state[key];
      const range = state.range[which.value] ?? ["", ""];
      ends.forEach((end, k) => { end.step = numbers[which.value].step; if (end !== document.activeElement) end.value = range[k]; });
      order.value = numbers[state.sort] ? `${state.sort} ${state.down}` : "";
      chips.replaceChildren(...Object.entries(state.range).map(([key, [from, to]]) => {
        const words = from === "" ? `at most ${to}` : to === "" ? `at least ${from}` : `${from} to ${to}`;
        const chip = make("button", { type: "button", className: "tds-chip", textContent: `${numbers[key].name}: ${words}`, ariaLabel: `Remove ${numbers[key].name}: ${words}` });
        chip.addEventListener("click", () => { const kept = { ...state.range }; delete kept[key]; if (key === which.value) ends.forEach((end) => { end.value = ""; }); set("range", kept); });
        return chip;
      }));
    };
    return [first, second];
  }

  window.tdsFilters = { build, draw: () => refresh() };
})();
