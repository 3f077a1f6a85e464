// What the conditions say at one token: their candidates as bars, the token marked in each, ranks, log-probabilities,
// divergences, and the base's continuation from there.
window.tdsPanel = (/** @type {any} */ tds) => {
  "use strict";
  const { make, button, number } = window.tdsDom;
  const { raw, n, ids, tokens, far, bounds, said, shift, delta, probability, digits, candidates } = tds;
  const fact = (list, name, value) => list.append(make("dt", "", name), make("dd", "", value));

  // How a candidate's place differs from that in the first list shown: nothing, up, down, or not among its ten.
  function moved(id, place, first) {
    const before = first.findIndex((c) => c.id === id);
    if (before === place) return make("span", "tds-moved", "");
    const by = before - place;
    const node = make("span", "tds-moved", before < 0 ? "new" : by > 0 ? `↑${by}` : `↓${-by}`);
    node.title = before < 0 ? "not among the ten of the first list" : `place ${before + 1} in the first list`;
    return node;
  }

  function row(id, logp, mark) {
    const line = make("li", id === mark ? "tds-own" : "");
    line.dataset.id = id;
    const bar = make("i", "tds-p-bar");
    bar.style.width = `${Number.isNaN(logp) ? 0 : 100 * Math.exp(logp)}%`;
    line.append(bar, make("code", "", tokens[id]));
    return line;
  }

  function side(name, t, first) {
    const box = make("section", "tds-side"),
      own = ids[t],
      mine = said[name],
      list = make("ol", "tds-candidates");
    const place = name === raw.base ? "base" : name === raw.aligned ? "aligned" : "";
    box.append(make("h3", "", name, ...(place ? [" ", make("small", "", place)] : [])));
    const entropy = Number.isNaN(mine.entropy[t]) ? "not known" : digits(mine.entropy[t], 2);
    const told = `rank ${number(mine.rank[t])} · log p ${digits(mine.logp[t], 3)} · H ${entropy}`;
    const numbers = make("p", "tds-side-facts", told);
    numbers.title = "The token's rank and log-probability here, and the entropy of the distribution, nats";
    box.append(numbers);
    const shown = candidates(name, t);
    shown.forEach(({ id, logp }, i) => {
      const line = row(id, logp, own);
      if (first) line.append(moved(id, i, first));
      line.append(make("span", "tds-p", probability(logp)));
      list.append(line);
    });
    if (!shown.some(({ id }) => id === own)) {
      const line = row(own, mine.logp[t], own);
      line.classList.add("tds-below");
      line.append(
        make("span", "tds-moved", `rank ${number(mine.rank[t])}`),
        make("span", "tds-p", probability(mine.logp[t])),
      );
      list.append(line);
    }
    box.append(list);
    return box;
  }

  function apart(key, t) {
    if (!bounds || !Number.isNaN(far[key][t])) return `${digits(far[key][t], 4)} nats`;
    const least = bounds[key][t],
      most = key === "js" ? bounds.jsMost[t] : NaN;
    if (Number.isNaN(least)) return "not known";
    return Number.isNaN(most) ? `at least ${digits(least, 4)} nats` : `${digits(least, 4)} to ${digits(most, 4)} nats`;
  }

  function facts(t) {
    const list = make("dl", "tds-facts");
    fact(list, "Δ log p", digits(delta(t), 3) + (Number.isNaN(delta(t)) ? "" : " nats, aligned − base"));
    fact(list, "KL(aligned‖base)", apart("kl", t));
    fact(list, "KL(base‖aligned)", apart("klBack", t));
    fact(list, "JS", apart("js", t));
    return list;
  }

  function continuation(t) {
    const gone = raw.gone[t];
    if (!gone) return [];
    const text = make(
      "blockquote",
      { className: "tds-gone", dir: "auto" },
      gone[0],
      ...(gone[1] ? [make("span", "tds-end")] : ["…"]),
    );
    return [make("section", "tds-from-here", make("h3", "", "The base would have continued with"), text)];
  }

  return (panel, acts) => {
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-label", "Details of the selected token");
    panel.removeAttribute("aria-live");
    panel.addEventListener("pointerover", (event) => {
      const id = event.target.closest("li[data-id]")?.dataset.id;
      panel
        .querySelectorAll("li[data-id]")
        .forEach((line) => line.classList.toggle("tds-same", line.dataset.id === id));
    });

    function head(t) {
      const box = make("header", "tds-panel-head");
      const walk = make(
        "span",
        "tds-walk",
        button("", "‹", () => acts.step(-1), "Previous token"),
        button("", "›", () => acts.step(1), "Next token"),
        button("tds-walk-shifted", "‹ shifted", () => acts.stepShifted(-1), "Previous shifted token (p)"),
        button("tds-walk-shifted", "shifted ›", () => acts.stepShifted(1), "Next shifted token (n)"),
      );
      box.append(
        make("code", "", tokens[ids[t]]),
        make("span", `tds-key tds-c-${shift(t)}`, shift(t)),
        make("span", "tds-at", `position ${t} of ${n}`),
        button("tds-close", "×", acts.hide, "Close"),
        walk,
      );
      return box;
    }

    return (t, names) => {
      const first = candidates(names[0], t);
      const sides = make("div", "tds-sides", ...names.map((name, i) => side(name, t, i ? first : undefined)));
      const copy = make(
        "p",
        "tds-copy",
        "Copy this position as ",
        button("", "JSON", () => acts.copy("json", t)),
        " or ",
        button("", "SQL", () => acts.copy("sql", t)),
      );
      panel.replaceChildren(head(t), sides, ...continuation(t), facts(t), ...(acts.copy ? [copy] : []));
      panel.classList.add("tds-open");
    };
  };
};
if (window.tds) window.tds.panel = window.tdsPanel(window.tds);
