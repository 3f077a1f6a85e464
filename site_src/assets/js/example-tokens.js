// The tokens of an answer as elements: what is code, what can be folded away, and their colours.
window.tdsTokens = (/** @type {any} */ tds) => {
  "use strict";
  const { make, counted } = window.tdsDom;
  const { raw, n, ids, shift, colourings } = tds;

  // A token is plain text, so that the answer reads as text aloud too; the chosen one alone is a button.
  function token(t, code) {
    const text = tds.text(t);
    const span = make("span", `tds-t tds-c-${shift(t)}`, text);
    span.dataset.t = t;
    if (tds.isEnd(t)) span.classList.add("tds-end");
    else if (!text) span.classList.add("tds-part");
    else if (/^\s*\n\s*$/.test(text)) span.classList.add("tds-nl");
    if (code) span.classList.add("tds-code");
    return span;
  }

  // Where fenced code stands, as ranges of code points.
  function fences() {
    const found = [],
      length = (text) => Array.from(text).length;
    for (const match of raw.text.matchAll(/^[ \t]*```[^\n]*\n[\s\S]*?(?:^[ \t]*```[ \t]*$|$(?![\s\S]))/gm)) {
      const from = length(raw.text.slice(0, match.index));
      found.push([from, from + length(match[0])]);
    }
    return found;
  }

  const code = fences();
  const spans = Array.from(ids, (_, t) =>
    token(
      t,
      code.some(([a, b]) => tds.start(t) >= a && tds.start(t) < b),
    ),
  );

  // A long answer stands in portions that end where a line does, so that the browser lays out those in view alone.
  const LONG = 1500,
    PORTION = 100;
  function portions(some) {
    if (n < LONG) return some;
    const boxes = [];
    for (let from = 0; from < some.length; ) {
      let to = Math.min(from + PORTION, some.length);
      while (to < some.length && !some[to - 1].textContent.endsWith("\n")) to++;
      boxes.push(make("div", "tds-portion", ...some.slice(from, to)));
      from = to;
    }
    return boxes;
  }

  // Thinking and tool calls can be folded away; the answer's own tokens stand as they are.
  function folded() {
    const parts = raw.segments ?? [];
    if (!parts.length) return portions(spans);
    return parts.flatMap(([name, from], i) => {
      const mine = portions(spans.slice(from, parts[i + 1]?.[1] ?? n));
      if (name === "answer") return mine;
      const head = make("summary", { textContent: `${name}, ${counted((parts[i + 1]?.[1] ?? n) - from, "token")}` });
      return [make("details", { className: "tds-segment", open: true }, head, ...mine)];
    });
  }

  // by: the colouring; only: the one step of it that is shown, -1 for all.
  function paint(by, only) {
    const { step, style } = colourings[by],
      plain = by === "class";
    spans.forEach((span, t) => {
      const at = step(t),
        old = span.className;
      let name = old.replace(/ tds-[qd]\d| tds-(faded|kept|scaled|none)/g, "");
      if (!plain) name += ` tds-scaled ${style[at] ?? "tds-none"}`;
      if (only >= 0) name += only === at ? " tds-kept" : " tds-faded";
      if (name !== old) span.className = name; // what is written anew is styled anew
    });
  }

  // The chosen token is a button and in the order of the tab key; without one (-1), the last one chosen, or the first.
  let chosen = 0;
  function choose(t, label) {
    spans[chosen]?.classList.remove("tds-now");
    for (const name of ["tabindex", "role", "aria-label"]) spans[chosen]?.removeAttribute(name);
    if (t >= 0) chosen = t;
    const span = spans[chosen];
    if (!span) return;
    span.tabIndex = 0;
    span.setAttribute("role", "button");
    span.setAttribute("aria-label", label(chosen));
    span.classList.toggle("tds-now", t >= 0);
  }

  return { spans, folded, paint, choose };
};
