// An example page: draws the answer's tokens from window.tdsExample and shows, at one of them, what both models would say.
// A position is [id, start, end, isEnd, baseRank, alignedRank, baseLogp, alignedLogp, baseH, alignedH, klAB, klBA, js,
// baseIds, baseLogps, alignedIds, alignedLogps]; start and end count code points of the text.
(() => {
  "use strict";
  const data = window.tdsExample;
  const answer = document.getElementById("answer");
  const panel = document.getElementById("panel");
  const points = Array.from(data.text);
  const shift = (rank) => (rank === 1 ? "unshifted" : rank <= 3 ? "marginal" : "shifted");
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const percent = (logp) => {
    if (logp === null) return "none";
    const p = Math.exp(logp);
    return p >= 0.0995 ? `${(100 * p).toFixed(0)} %` : p >= 0.001 ? `${(100 * p).toFixed(1)} %` : "< 0.1 %";
  };
  const digits = (value, count) => (value === null ? "none" : value.toFixed(count));  // a token that the model does not have
  let current = -1;

  function token(position, t) {
    const [id, start, end, isEnd, rank] = position;
    const span = make("span", `tds-t tds-c-${shift(rank)}`, points.slice(start, end).join(""));
    span.dataset.t = t;
    span.tabIndex = t === 0 ? 0 : -1;
    span.setAttribute("role", "button");
    span.setAttribute("aria-label", `${data.tokens[id]}, position ${t}, ${shift(rank)}, base rank ${rank}`);
    if (isEnd) span.classList.add("tds-end");
    else if (start === end) span.classList.add("tds-part");
    return span;
  }

  function side(name, ids, logps, rank, logp, own) {
    const box = make("section", "tds-side");
    box.append(make("h3", "", name));
    const list = make("ol", "tds-candidates");
    ids.forEach((id, i) => {
      const row = make("li", id === own ? "tds-own" : "");
      row.append(make("code", "", data.tokens[id]), make("span", "tds-p", percent(logps[i])));
      const bar = make("i", "tds-p-bar");
      bar.style.width = `${100 * Math.exp(logps[i])}%`;
      row.append(bar);
      list.append(row);
    });
    if (!ids.includes(own)) {
      const row = make("li", "tds-own tds-below");
      row.value = rank;
      row.append(make("code", "", data.tokens[own]), make("span", "tds-p", percent(logp)));
      list.append(row);
    }
    box.append(list);
    return box;
  }

  function fact(list, name, value) {
    list.append(make("dt", "", name), make("dd", "", value));
  }

  function show(t, { focus = false, keep = true } = {}) {
    const position = data.positions[t];
    if (!position) return;
    const old = answer.querySelector(".tds-now");
    if (old) { old.classList.remove("tds-now"); old.tabIndex = -1; }
    const span = answer.querySelector(`[data-t="${t}"]`);
    span.classList.add("tds-now");
    span.tabIndex = 0;
    if (focus) span.focus({ preventScroll: true });
    if (focus) span.scrollIntoView({ block: "nearest" });
    current = t;
    if (keep) history.replaceState(null, "", `#t${t}`);
    const [id, , , , rank, alignedRank, baseLogp, alignedLogp, baseH, alignedH, klAB, klBA, js, bIds, bLogps, aIds, aLogps] = position;
    const head = make("header", "tds-panel-head");
    const close = make("button", "tds-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", hide);
    head.append(make("code", "", data.tokens[id]), make("span", `tds-key tds-c-${shift(rank)}`, shift(rank)),
      make("span", "tds-at", `position ${t} of ${data.positions.length}`), close);
    const sides = make("div", "tds-sides");
    sides.append(side(data.base, bIds, bLogps, rank, baseLogp, id), side(data.aligned, aIds, aLogps, alignedRank, alignedLogp, id));
    const facts = make("dl", "tds-facts");
    fact(facts, "rank", `${rank} under the base, ${alignedRank} aligned`);
    fact(facts, "log p", `${digits(baseLogp, 3)} base, ${digits(alignedLogp, 3)} aligned`
      + (baseLogp === null || alignedLogp === null ? "" : ` (Δ ${(alignedLogp - baseLogp).toFixed(3)})`));
    fact(facts, "KL(aligned‖base)", `${klAB.toFixed(4)} nats`);
    fact(facts, "KL(base‖aligned)", `${klBA.toFixed(4)} nats`);
    fact(facts, "JS", `${js.toFixed(4)} nats`);
    fact(facts, "entropy", `${baseH.toFixed(3)} base, ${alignedH.toFixed(3)} aligned, nats`);
    panel.replaceChildren(head, sides, facts);
    panel.classList.add("tds-open");
  }

  function hide() {
    panel.classList.remove("tds-open");
    answer.querySelector(".tds-now")?.classList.remove("tds-now");
    history.replaceState(null, "", location.pathname + location.search);
  }

  const step = (by) => show(Math.min(data.positions.length - 1, Math.max(0, current + by)), { focus: true });

  function stepShifted(by) {
    for (let t = current + by; t >= 0 && t < data.positions.length; t += by) {
      if (data.positions[t][4] > 3) return show(t, { focus: true });
    }
  }

  const keys = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), Home: () => show(0, { focus: true }),
    End: () => show(data.positions.length - 1, { focus: true }), n: () => stepShifted(1), p: () => stepShifted(-1), Escape: hide,
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
    const name = event.shiftKey && event.key === "ArrowRight" ? "n" : event.shiftKey && event.key === "ArrowLeft" ? "p" : event.key;
    if (!keys[name]) return;
    event.preventDefault();
    event.stopImmediatePropagation();  // the theme has its own meaning for n and p
    keys[name]();
  }

  function fromHash() {
    const match = /^#t(\d+)$/.exec(location.hash);
    if (match) show(Number(match[1]), { focus: true, keep: false });
  }

  answer.replaceChildren(...data.positions.map(token));
  answer.addEventListener("pointerover", (event) => {
    const span = event.target.closest("[data-t]");
    if (span && event.pointerType === "mouse" && !answer.matches(":focus-within")) show(Number(span.dataset.t), { keep: false });
  });
  answer.addEventListener("click", (event) => {
    const span = event.target.closest("[data-t]");
    if (span) show(Number(span.dataset.t), { focus: true });
  });
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("hashchange", fromHash);
  fromHash();
})();
