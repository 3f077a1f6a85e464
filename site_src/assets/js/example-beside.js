// Two answers side by side, each with its own report's numbers: one colouring for both, and one panel, which shows the
// token that was chosen last. The numbers are those of the two example pages, read one after the other. In the address:
// #a12&by=kl, the side, the token, the colouring.
(() => {
  "use strict";
  const { make, remember, script, taken } = window.tdsDom;
  const root = /** @type {HTMLElement} */ (document.querySelector(".tds-beside"));
  const panel = /** @type {HTMLElement} */ (document.getElementById("panel"));
  const boxes = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-side]")]);
  const isOneText = root.dataset.same === "true"; // both read the same tokens: a token of one is a token of the other
  const state = { by: isOneText ? "kl" : "class", only: -1, side: 0, t: -1 };
  const first = state.by;

  async function read(box) {
    await script(box.dataset.numbers);
    const tds = window.tdsUnpack(window.tdsExample);
    tds.colourings = window.tdsColourings(tds);
    return tds;
  }

  function side(box, tds, at) {
    const answer = box.querySelector(".tds-answer"),
      legend = box.querySelector(".tds-legend"),
      tokens = window.tdsTokens(tds);
    const drawLegend = window.tdsLegend(tds).legend(legend, state, setOnly);
    const strip = window.tdsStrip(tds)((t) => choose(at, t));
    const acts = { step: (by) => choose(at, state.t + by), stepShifted: (by) => stepShifted(by), hide };
    const showAt = window.tdsPanel(tds)(panel, acts);
    answer.replaceChildren(...tokens.folded());
    answer.setAttribute("role", "group");
    answer.setAttribute("aria-label", `The answer in ${box.dataset.side}; arrow keys move from token to token`);
    legend.after(strip.box);
    answer.addEventListener("click", (event) => {
      const span = event.target.closest("[data-t]");
      if (span) choose(at, Number(span.dataset.t));
    });
    const label = (t) => `${tds.tokens[tds.ids[t]]}, position ${t}, ${tds.shift(t)}, base rank ${tds.base.rank[t]}`;

    function mark(t) {
      tokens.choose(t, label);
      strip.mark(t, t < 0 ? "no token selected" : label(t));
      const fold = tokens.spans[t]?.closest("details");
      if (fold) fold.open = true;
    }
    return {
      tds,
      mark,
      holds: (node) => answer.contains(node),
      show: (t, focus) => {
        showAt(t, Object.keys(tds.said));
        if (focus) tokens.spans[t].focus({ preventScroll: true });
        tokens.spans[t].scrollIntoView({ block: "nearest" });
      },
      draw: () => {
        tokens.paint(state.by, state.only);
        strip.draw(state.by, state.only);
        drawLegend();
      },
    };
  }

  let sides = [];
  let scale;

  function choose(at, t, focus = true) {
    if (!(t >= 0 && t < sides[at].tds.n)) return;
    Object.assign(state, { side: at, t });
    sides.forEach((one, i) => one.mark(i === at || isOneText ? t : -1));
    sides[at].show(t, focus);
    keep();
  }
  function stepShifted(by) {
    const { tds } = sides[state.side];
    for (let t = state.t + by; t >= 0 && t < tds.n; t += by)
      if (tds.shift(t) === "shifted") return choose(state.side, t);
  }
  function hide() {
    panel.classList.remove("tds-open");
    state.t = -1;
    for (const one of sides) one.mark(-1);
    keep();
  }
  function draw() {
    for (const one of sides) one.draw();
    scale.draw();
    keep();
  }
  function setColouring(by) {
    Object.assign(state, { by, only: -1 });
    draw();
  }
  function setOnly(step) {
    state.only = state.only === step ? -1 : step;
    draw();
  }
  function keep() {
    const parts = state.t < 0 ? [] : [`${"ab"[state.side]}${state.t}`];
    if (state.by !== first) parts.push(`by=${state.by}`);
    remember(parts.join("&"));
  }

  const all = () => Object.keys(sides[0].tds.colourings);
  const keys = {
    ArrowRight: () => choose(state.side, state.t + 1),
    ArrowLeft: () => choose(state.side, state.t - 1),
    n: () => stepShifted(1),
    p: () => stepShifted(-1),
    c: () => setColouring(all()[(all().indexOf(state.by) + 1) % all().length]),
    "[": () => /** @type {HTMLElement | null} */ (root.querySelector("a[rel=prev]"))?.click(),
    "]": () => /** @type {HTMLElement | null} */ (root.querySelector("a[rel=next]"))?.click(),
    Escape: hide,
  };
  function onKey(event) {
    if (taken(event) || !Object.hasOwn(keys, event.key)) return;
    const own = sides.findIndex((one) => one.holds(event.target));
    if (own >= 0) state.side = own;
    event.preventDefault();
    event.stopImmediatePropagation(); // the theme has its own meaning for n and p
    keys[event.key]();
  }

  async function begin() {
    const [, at, t] = /^#([ab])(\d+)/.exec(location.hash) ?? [];
    const by = /by=(\w+)/.exec(location.hash)?.[1] ?? "";
    const numbers = [];
    for (const box of boxes) numbers.push(await read(box)); // both scripts set one name
    if (Object.hasOwn(numbers[0].colourings, by)) state.by = by;
    scale = window.tdsLegend(numbers[0]).segments(state, setColouring);
    root.querySelector(".tds-reader")?.before(make("div", "tds-tools", scale.group));
    sides = boxes.map((box, i) => side(box, numbers[i], i));
    for (const one of sides) one.mark(-1);
    if (t) choose("ab".indexOf(at), Number(t), false);
    draw();
    window.addEventListener("keydown", onKey, true);
    performance.mark("tds-ready");
  }
  begin().catch((error) => panel.replaceChildren(make("p", { role: "status" }, `${error.message}.`)));
})();
