// An example page: draws the answer's tokens, and holds what is shown (token, colouring, filter, conditions) in the
// address.
(() => {
  "use strict";
  const tds = window.tds;
  const { make, remember, taken } = window.tdsDom;
  const { raw, n, ids, tokens, base, shift, colourings, conditions, said } = tds;
  const { spans, folded, paint, choose: setChosen } = window.tdsTokens(tds);
  const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
  const root = /** @type {HTMLElement} */ (document.querySelector(".tds-example")),
    answer = element("answer"),
    side = element("panel");
  const pair = [...new Set([raw.base, raw.aligned])];
  const state = { t: -1, by: "class", only: -1, names: pair };
  const status = make("p", { className: "tds-status", role: "status" });
  const say = (text) => {
    status.textContent = text;
  };
  const acts = { step, stepShifted, hide, copy: (kind, t) => tds.copy(kind, t, state.names, say) };
  const showAt = tds.panel(side, acts);
  const strip = tds.strip((t) => show(t, { into: "center" }));

  function colour() {
    paint(state.by, state.only);
    strip.draw(state.by, state.only);
    tools.draw();
  }

  function label(t) {
    const first = tokens[base.top[t * tds.K]];
    return (
      `${tokens[ids[t]]}, position ${t}, ${shift(t)}, base rank ${base.rank[t]}` +
      (base.rank[t] > 1 ? `, the base's first choice: ${first}` : "") +
      (state.by === "class" ? "" : `, ${colourings[state.by].name} ${colourings[state.by].write(t)}`)
    );
  }

  function choose(t) {
    state.t = t;
    setChosen(t, label);
    strip.mark(t, t < 0 ? "no token selected" : label(t));
  }

  function show(t, { focus = false, kept = true, into = "nearest" } = {}) {
    if (!(t >= 0 && t < n)) return;
    const fold = spans[t].closest("details");
    if (fold) fold.open = true;
    choose(t);
    showAt(
      t,
      state.names.filter((name) => said[name]),
    );
    const onStrip = document.activeElement === strip.box; // a slider keeps the keys
    if (focus && !onStrip) spans[t].focus({ preventScroll: true });
    if (focus || into === "center") spans[t].scrollIntoView({ block: onStrip ? "center" : into });
    if (kept) keep();
  }

  function hide() {
    const focused = side.contains(document.activeElement) ? spans[state.t] : undefined; // the panel is about to close
    side.classList.remove("tds-open");
    choose(-1);
    keep();
    focused?.focus({ preventScroll: true });
  }

  function step(by) {
    show(Math.min(n - 1, Math.max(0, state.t + by)), { focus: true });
  }
  function stepShifted(by) {
    for (let t = state.t + by; t >= 0 && t < n; t += by) if (shift(t) === "shifted") return show(t, { focus: true });
    say(`No ${by > 0 ? "later" : "earlier"} shifted token.`);
  }

  // The address: #t12&by=kl&only=3&with=base·plain,sft·chat; what is as it is at first is left out.
  function fragment() {
    const parts = [];
    if (state.t >= 0) parts.push(`t${state.t}`);
    if (state.by !== "class") parts.push(`by=${state.by}`);
    if (state.only >= 0) parts.push(`only=${state.only}`);
    if (state.names.join("\n") !== pair.join("\n")) parts.push(`with=${state.names.map(encodeURIComponent).join(",")}`);
    return parts.join("&");
  }
  function keep() {
    remember(fragment());
    near.follow(state, fragment() && `#${fragment()}`);
  }

  async function restore() {
    const given = Object.fromEntries(
      location.hash
        .slice(1)
        .split("&")
        .map((part) => (/^t\d+$/.test(part) ? ["t", part.slice(1)] : part.split("=", 2))),
    );
    state.by = Object.hasOwn(colourings, given.by ?? "") ? given.by : "class";
    state.only =
      /^\d+$/.test(given.only ?? "") && given.only < colourings[state.by].labels.length ? Number(given.only) : -1;
    let names = [];
    try {
      names = (given.with ?? "")
        .split(",")
        .map(decodeURIComponent)
        .filter((name) => conditions.includes(name));
    } catch {
      /* no such condition */
    }
    state.names = names.length ? names : pair;
    colour();
    if (given.t) show(Math.min(Number(given.t), n - 1), { focus: true, kept: false });
    near.follow(state, fragment() && `#${fragment()}`);
    if (names.some((name) => !said[name])) await withMore();
  }

  async function withMore() {
    try {
      await tds.more();
    } catch (error) {
      say(`${error.message}.`);
      state.names = state.names.filter((name) => said[name]);
    }
    tools.draw();
    if (state.t >= 0) show(state.t, { kept: false });
  }

  function setColouring(by) {
    state.by = by;
    state.only = -1;
    colour();
    if (state.t >= 0) choose(state.t);
    keep();
    say(`Coloured by ${colourings[by].name}.`);
  }
  function setOnly(step) {
    state.only = state.only === step ? -1 : step;
    colour();
    keep();
  }
  function setNames(names) {
    state.names = names;
    root.classList.toggle("tds-many", names.length > 2);
    keep();
    if (names.some((name) => !said[name])) return withMore();
    tools.draw();
    if (state.t >= 0) show(state.t);
  }

  const tools = tds.tools(root, state, { setColouring, setOnly, setNames, copy: acts.copy, strip: strip.box, status });
  const near = tds.near(root);
  const walk = {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    Home: () => show(0, { focus: true }),
    End: () => show(n - 1, { focus: true }),
    n: () => stepShifted(1),
    p: () => stepShifted(-1),
  };
  const keys = {
    ...walk,
    Escape: () => (tools.close() ? undefined : hide()),
    "?": tds.help,
    "[": () => near.go("prev"),
    "]": () => near.go("next"),
    o: () => near.other(),
    c: () => {
      const all = Object.keys(colourings);
      setColouring(all[(all.indexOf(state.by) + 1) % all.length]);
    },
  };

  function onKey(event) {
    if (taken(event)) return;
    if (document.querySelector("dialog[open]")) return;
    const name =
      event.shiftKey && event.key === "ArrowRight"
        ? "n"
        : event.shiftKey && event.key === "ArrowLeft"
          ? "p"
          : event.key;
    if (!Object.hasOwn(keys, name)) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the theme has its own meaning for n and p
    keys[name]();
  }

  answer.replaceChildren(...folded());
  Object.assign(answer, { role: "group", ariaLabel: "The answer; arrow keys move from token to token" });
  const tokenAt = (event) => event.target.closest("[data-t]");
  answer.addEventListener("pointerover", (event) => {
    const span = tokenAt(event);
    if (span && event.pointerType === "mouse" && !answer.matches(":focus-within"))
      show(Number(span.dataset.t), { kept: false });
  });
  answer.addEventListener("click", (event) => {
    const span = tokenAt(event);
    if (span) show(Number(span.dataset.t), { focus: true });
  });
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("hashchange", restore);
  choose(-1);
  restore();
  root.classList.toggle("tds-many", state.names.length > 2);
  performance.mark("tds-ready");
})();
