// What the tokens of an answer are coloured by: the choice, and the legend, which doubles as a filter.
window.tdsLegend = (/** @type {any} */ tds) => {
  "use strict";
  const { make, button, percent } = window.tdsDom;
  const { n, colourings } = tds;

  function segments(state, set) {
    const group = make("div", { className: "tds-segments", role: "group", ariaLabel: "Colour the tokens by" });
    for (const [key, { name, title }] of Object.entries(colourings)) {
      const item = button("", name, () => set(key));
      item.dataset.by = key;
      item.title = title;
      group.append(item);
    }
    return {
      group,
      draw: () =>
        [...group.children].forEach((item) => item.setAttribute("aria-pressed", item.dataset.by === state.by)),
    };
  }

  function legend(box, state, set) {
    const means = [...box.querySelectorAll(".tds-kl")];
    return () => {
      const { labels, style, step, title } = colourings[state.by],
        counts = labels.map(() => 0);
      for (let t = 0; t < n; t++) if (step(t) >= 0) counts[step(t)]++;
      const items = labels.map((name, i) => {
        const item = button(`tds-key ${style[i]}`, name, () => {
          set(i);
          box.querySelectorAll("button")[i].focus();
        });
        item.append(" ", make("b", "", percent(counts[i] / n)));
        item.title = "Show only these";
        item.setAttribute("aria-pressed", state.only === i);
        if (state.only >= 0 && state.only !== i) item.classList.add("tds-off");
        return item;
      });
      Object.assign(box, { role: "group", ariaLabel: `Legend and filter: ${title}` });
      box.replaceChildren(...items, ...(state.by === "class" ? means : [make("small", "", title)]));
    };
  }

  return { segments, legend };
};
