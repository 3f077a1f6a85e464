// The scored answer of the live page, drawn as on an example page; a candidate of the panel can be put into the answer.
window.tdsLiveView = (/** @type {HTMLElement} */ root, /** @type {any} */ acts) => {
  "use strict";
  const { make, button, taken } = window.tdsDom;
  const part = (/** @type {string} */ css) => /** @type {HTMLElement} */ (root.querySelector(css));
  const legend = part(".tds-legend"),
    answer = part(".tds-answer"),
    panel = part(".tds-panel");
  const tools = make("div", "tds-tools"),
    profile = make("div", "");
  legend.before(tools);
  legend.after(profile);
  const state = { by: "class", only: -1, t: -1, next: "aligned" };
  /** @type {any} */
  let now;

  const NEXT = {
    aligned: (/** @type {any} */ raw) => `${raw.aligned} writes on`,
    base: (/** @type {any} */ raw) => `${raw.base} writes on`,
    keep: () => "the rest stays",
  };
  function choice() {
    const rows = Object.entries(NEXT).map(([value, told]) => {
      const input = make("input", { type: "radio", name: "then", value, checked: state.next === value });
      input.addEventListener("change", () => Object.assign(state, { next: value }));
      return make("label", "", input, " ", told(now.tds.raw));
    });
    return make("fieldset", "tds-live__then", make("legend", "", "Choose a token below to put it here; then"), ...rows);
  }

  // Each candidate's text becomes a button.
  function offer(t) {
    part(".tds-panel-head").after(choice());
    for (const line of panel.querySelectorAll("li[data-id]")) {
      const code = /** @type {HTMLElement} */ (line.querySelector("code"));
      const id = Number(/** @type {HTMLElement} */ (line).dataset.id);
      const own = id === now.tds.ids[t];
      const pick = button("tds-live__pick", "", () => acts.swap(t, id, state.next));
      pick.ariaLabel = own ? `Keep ${code.textContent} and go on from here` : `Put ${code.textContent} here`;
      pick.title = pick.ariaLabel;
      code.replaceWith(pick);
      pick.append(code);
    }
  }

  const label = (t) => {
    const { tds } = now;
    const first = tds.base.rank[t] > 1 ? `, the base's first choice: ${tds.tokens[tds.base.top[t * tds.K]]}` : "";
    return `${tds.tokens[tds.ids[t]]}, position ${t}, ${tds.shift(t)}, base rank ${tds.base.rank[t]}${first}`;
  };
  function mark(t) {
    state.t = t;
    now.tokens.choose(t, label);
    now.strip.mark(t, t < 0 ? "no token selected" : label(t));
  }
  function show(t, focus = true) {
    if (!now || !(t >= 0 && t < now.tds.n)) return;
    mark(t);
    now.showAt(t, now.tds.conditions);
    offer(t);
    if (focus) now.tokens.spans[t].focus({ preventScroll: true });
    now.tokens.spans[t].scrollIntoView({ block: "nearest" });
  }
  function step(by) {
    show(Math.min(now.tds.n - 1, Math.max(0, state.t + by)));
  }
  function stepShifted(by) {
    const { tds } = now;
    let t = state.t + by;
    while (t >= 0 && t < tds.n && tds.shift(t) !== "shifted") t += by;
    show(t);
  }
  function hide() {
    const focused = panel.contains(document.activeElement) ? now?.tokens.spans[state.t] : undefined;
    panel.classList.remove("tds-open");
    mark(-1);
    focused?.focus({ preventScroll: true });
  }

  function colour() {
    for (const drawn of [now.tokens.paint, now.strip.draw]) drawn(state.by, state.only);
    now.scale.draw();
    now.legend();
  }
  function setColouring(by) {
    Object.assign(state, { by, only: -1 });
    colour();
  }
  function setOnly(at) {
    state.only = state.only === at ? -1 : at;
    colour();
  }

  const keys = {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    Home: () => show(0),
    End: () => show(now.tds.n - 1),
    n: () => stepShifted(1),
    p: () => stepShifted(-1),
    c: () => {
      const all = Object.keys(now.tds.colourings);
      setColouring(all[(all.indexOf(state.by) + 1) % all.length]);
    },
    Escape: hide,
  };
  function onKey(/** @type {KeyboardEvent} */ event) {
    if (!now || taken(event) || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the theme has its own meaning for n and p
    keys[event.key]();
  }
  window.addEventListener("keydown", onKey, true);
  answer.addEventListener("click", (event) => {
    const span = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-t]"));
    if (span) show(Number(span.dataset.t));
  });
  Object.assign(answer, { role: "group", ariaLabel: "The answer; arrow keys move from token to token" });

  // The legend with the one number of the whole answer that its filter keeps.
  function mean(tds) {
    const kl = Array.from(tds.far.kl);
    const nats = tds.digits(kl.reduce((sum, x) => sum + x, 0) / kl.length, 3);
    legend.replaceChildren(make("span", "tds-kl", "mean KL(aligned‖base) ", make("b", "", nats), " nats"));
    return legend;
  }

  // An answer; `swapped`: the position of a token that the reader chose, -1 for none.
  return (/** @type {any} */ tds, swapped = -1) => {
    const { segments, legend: key } = window.tdsLegend(tds);
    if (!Object.hasOwn(tds.colourings, state.by)) state.by = "class";
    state.only = -1;
    now = {
      tds,
      tokens: window.tdsTokens(tds),
      strip: window.tdsStrip(tds)(show),
      showAt: window.tdsPanel(tds)(panel, { step, stepShifted, hide }),
      scale: segments(state, setColouring),
      legend: key(mean(tds), state, setOnly),
    };
    now.tokens.spans[swapped]?.classList.add("tds-live__swapped");
    answer.replaceChildren(...now.tokens.folded());
    tools.replaceChildren(now.scale.group);
    profile.replaceChildren(now.strip.box);
    panel.classList.remove("tds-open");
    panel.replaceChildren(make("p", "tds-hint", "Choose a token to see what both models would say there."));
    mark(-1);
    colour();
    if (document.activeElement === document.body) now.tokens.spans[Math.max(swapped, 0)].focus({ preventScroll: true });
    const isWide = matchMedia("(min-width: 60em)").matches; // else the panel lies over the answer
    if (swapped >= 0 && isWide) show(swapped);
  };
};
