// The controls above an answer: the colouring and its legend, the conditions, the profile, copying and help; and the
// links to other examples, in the order in which the table of examples was last sorted.
(() => {
  "use strict";
  const { make, button, number } = window.tdsDom;
  const { raw, conditions } = window.tds;
  const { segments, legend } = window.tdsLegend(window.tds);

  function chosen(state, set) {
    const box = make("details", "tds-with"),
      summary = make("summary", ""),
      list = make("div", "tds-with-list");
    const boxes = conditions.map((name) => {
      const input = make("input", "");
      input.type = "checkbox";
      input.value = name;
      input.addEventListener("change", () => {
        const names = boxes.filter((b) => b.checked).map((b) => b.value);
        if (names.length) set(names);
        else input.checked = true;
      });
      const role = name === raw.base ? " base" : name === raw.aligned ? " aligned" : "";
      list.append(make("label", "", input, " ", name, ...(role ? [make("small", "", role)] : [])));
      return input;
    });
    box.append(summary, list);
    document.addEventListener("click", (event) => {
      if (!box.contains(event.target)) box.open = false;
    });
    return {
      box,
      draw: () => {
        summary.textContent = `${state.names.length} of ${conditions.length} conditions`;
        boxes.forEach((input) => {
          input.checked = state.names.includes(input.value);
        });
      },
      close: () => {
        const open = box.open;
        box.open = false;
        if (open) summary.focus();
        return open;
      },
    };
  }

  window.tds.tools = (root, state, { setColouring, setOnly, setNames, copy, strip, status }) => {
    const scale = segments(state, setColouring),
      which = chosen(state, setNames),
      box = root.querySelector(".tds-legend");
    const drawLegend = legend(box, state, setOnly);
    const bar = make(
      "div",
      "tds-tools",
      scale.group,
      ...(conditions.length > 2 ? [which.box] : []),
      make(
        "span",
        "tds-copy",
        "Copy as ",
        button("", "JSON", () => copy("json")),
        " or ",
        button("", "SQL", () => copy("sql")),
      ),
      button("tds-help", "?", window.tds.help, "Help and keyboard shortcuts (?)"),
    );
    box.before(bar);
    box.after(strip, status);
    return {
      draw: () => {
        scale.draw();
        which.draw();
        drawLegend();
      },
      close: which.close,
    };
  };

  // The table of examples leaves its order in the session; without one, the page's own links follow the prompts.
  function order() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(`tds-order:${new URL("../../", location.href).pathname}`) ?? "");
      const at = kept.order.indexOf(`${raw.comparison}/${raw.page}`);
      return at < 0 ? null : { ...kept, at };
    } catch {
      return null;
    }
  }

  window.tds.near = (root) => {
    const nav = root.querySelector(".tds-near"),
      kept = order(),
      links = {};
    for (const [rel, by] of Object.entries({ prev: -1, next: 1 })) {
      links[rel] = nav.querySelector(`a[rel=${rel}]`);
      if (!kept) continue;
      const to = kept.order[kept.at + by];
      const link = to ? make("a", "", by < 0 ? "← previous" : "next →") : make("span", "");
      if (to) {
        link.href = `../${to.split("/").map(encodeURIComponent).join("/")}.html`;
        link.rel = rel;
      }
      (links[rel] ?? nav.querySelector(`:scope > span${by < 0 ? ":first-child" : ":last-child"}`)).replaceWith(link);
      links[rel] = to ? link : null;
    }
    if (kept)
      nav.append(
        make(
          "small",
          "tds-order",
          `${number(kept.at + 1)} of ${number(kept.order.length)} in the table` + (kept.label ? `, ${kept.label}` : ""),
        ),
      );
    const others = [...nav.querySelectorAll(".tds-others a")];
    const targets = new Map(
      [...others, ...Object.values(links).filter(Boolean)].map((link) => [link, link.getAttribute("href")]),
    );
    return {
      go: (rel) => links[rel]?.click(),
      other: () => (others.find((link) => link.dataset.after === "true") ?? others[0])?.click(),
      // Links keep the colouring; those to the same answer the place too.
      follow: (state, fragment) =>
        targets.forEach((href, link) => {
          const place = link.dataset.same === "true" ? fragment : state.by === "class" ? "" : `#by=${state.by}`;
          link.setAttribute("href", href + place);
        }),
    };
  };
})();
