// The controls above the table of examples: words, choices, a range for any summary number, and an order for narrow
// screens.
(() => {
  "use strict";
  const { rows, names, numbers, comparisons, taskNames, topicNames, sampleNames, segmentNames, roleNames, finishes } =
    window.tdsRows;
  const { make, select, button } = window.tdsDom;
  const ENDS = { stop: "ended on its own", length: "cut at the limit", unknown: "end unknown" };
  let refresh = () => {};

  function build(state, set) {
    const controls = {};
    function choice(key, name, any, options) {
      if (options.length < 2) return "";
      controls[key] = select(key, name, [["", any], ...options], (value) => set(key, value));
      return controls[key];
    }

    const search = make("input", {
      type: "search",
      placeholder: "words in prompt or answer",
      ariaLabel: "Words in prompt or answer",
    });
    search.addEventListener("input", () => set("text", search.value));
    controls.text = search;
    const named = (list) => list.map((value) => [value, value]);
    const used = new Set(rows.map(names.finish));
    const first = make(
      "form",
      { className: "tds-filters" },
      search,
      choice("comparison", "Comparison", "every comparison", comparisons),
      choice("task", "Task", "every task", named(taskNames)),
      choice("topic", "Topic", "every topic", named(topicNames)),
      choice(
        "harm",
        "Harmful",
        "harmful or not",
        rows.some((i) => names.harmful(i) !== null)
          ? [
              ["true", "harmful"],
              ["false", "harmless"],
            ]
          : [],
      ),
      choice(
        "finish",
        "Ending",
        "ended or cut",
        finishes.filter((_, k) => used.has(k)).map((value) => [value, ENDS[value]]),
      ),
      choice(
        "sample",
        "Sample",
        "every sample",
        sampleNames.map((value) => [value, `answer ${value}`]),
      ),
      choice(
        "segment",
        "Parts",
        "with any parts",
        segmentNames.length ? [...segmentNames.map((value) => [value, `with ${value}`]), ["none", "answer alone"]] : [],
      ),
      choice(
        "role",
        "Role of a shifted token",
        "any token shifted",
        roleNames.map((value) => [value, `${value} shifted`]),
      ),
    );

    // One number at a time is edited; every range that is set stands beside it and can be taken away.
    const byName = Object.entries(numbers).map(([key, { name }]) => [key, name]);
    const which = select("number", "Number to filter by", byName, () => {
      ends.forEach((end, k) => {
        end.value = state.range[which.value]?.[k] ?? "";
      });
      refresh();
    });
    const ends = ["from", "to"].map((name) =>
      make("input", {
        type: "number",
        name,
        ariaLabel: name === "from" ? "At least" : "At most",
        placeholder: name === "from" ? "at least" : "at most",
      }),
    );
    for (const box of ends)
      box.addEventListener("input", () => {
        const range = ends.map((end) => end.value),
          kept = { ...state.range };
        if (range.some(Boolean)) kept[which.value] = range;
        else delete kept[which.value];
        set("range", kept);
      });
    if (Object.keys(state.range).length) which.value = Object.keys(state.range)[0];
    const chips = make("span", { className: "tds-chips" });

    const sorts = byName.flatMap(([key, name]) => [
      [`${key} 1`, `${name}, largest first`],
      [`${key} 0`, `${name}, smallest first`],
    ]);
    const order = select("sort", "Sort by", [["", "in the order of the prompts"], ...sorts], (value) => {
      const [key, down] = value.split(" ");
      state.down = down ?? "1";
      set("sort", key);
    });
    const second = make(
      "form",
      { className: "tds-ranges" },
      make("label", {}, "Only", which),
      ...ends,
      chips,
      make("label", { className: "tds-order-by" }, "Sort", order),
    );
    for (const form of [first, second]) form.addEventListener("submit", (event) => event.preventDefault());

    refresh = () => {
      for (const [key, box] of Object.entries(controls)) if (box.value !== state[key]) box.value = state[key];
      const range = state.range[which.value] ?? ["", ""];
      ends.forEach((end, k) => {
        end.step = numbers[which.value].step;
        if (end !== document.activeElement) end.value = range[k];
      });
      order.value = numbers[state.sort] ? `${state.sort} ${state.down}` : "";
      const at = `Token ${state.position} of the answer is shifted`;
      const place = button("tds-chip", at, () => set("position", ""));
      place.ariaLabel = `Remove ${at}`;
      chips.replaceChildren(
        ...(state.position ? [place] : []),
        ...Object.entries(state.range).map(([key, [from, to]]) => {
          const words = from === "" ? `at most ${to}` : to === "" ? `at least ${from}` : `${from} to ${to}`;
          const chip = button("tds-chip", `${numbers[key].name}: ${words}`, () => {
            const kept = { ...state.range };
            delete kept[key];
            if (key === which.value)
              ends.forEach((end) => {
                end.value = "";
              });
            set("range", kept);
          });
          chip.ariaLabel = `Remove ${numbers[key].name}: ${words}`;
          return chip;
        }),
      );
    };
    return [first, second];
  }

  window.tdsFilters = { build, draw: () => refresh() };
})();
