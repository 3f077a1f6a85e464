// The whole answer's profile by position: an SVG of one path a step of the colouring, so that it is as cheap at a
// thousand tokens as at ten; of tokens that share a column the highest is drawn. It is a slider: click, drag or keys
// go to the token. An answer of a line or two has none.
window.tdsStrip = (/** @type {any} */ tds) => {
  "use strict";
  const { make } = window.tdsDom;
  const { n, colourings } = tds;
  const COLUMNS = 700,
    SHORT = 20; // tokens
  const wide = Math.max(1, Math.ceil(n / COLUMNS));
  const SVG = "http://www.w3.org/2000/svg";
  const shape = (tag, attributes) => {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };

  return (goTo) => {
    const box = make("div", {
      className: "tds-strip",
      tabIndex: 0,
      role: "slider",
      "aria-label": "Profile of the answer by position",
      "aria-valuemin": 0,
      "aria-valuemax": n - 1,
      "aria-valuenow": 0,
    });
    const drawn = shape("svg", { viewBox: `0 0 ${n} 100`, preserveAspectRatio: "none", "aria-hidden": "true" });
    const cursor = make("i", "tds-strip-now");
    box.append(drawn, cursor);
    box.hidden = n < SHORT;

    // The token that stands for a column: of the step that is shown alone, where there is one.
    function highest(from, by, only) {
      const { step, height } = colourings[by];
      let most = from;
      const size = (t) => (step(t) < 0 ? -1 : Math.abs(height(t)) + (only >= 0 && step(t) === only ? 2 : 0));
      for (let t = from + 1; t < Math.min(from + wide, n); t++) if (size(t) > size(most)) most = t;
      return most;
    }

    function draw(by, only) {
      const { step, height, style } = colourings[by],
        signed = by === "delta";
      const zero = signed ? 50 : 100,
        reach = signed ? 47 : 96,
        paths = style.map(() => "");
      for (let from = 0; from < n; from += wide) {
        const most = highest(from, by, only),
          at = step(most);
        if (at < 0) continue;
        const top = height(most) * reach,
          tall = Math.abs(top) < 2 ? 2 : top,
          across = Math.min(wide, n - from);
        paths[at] += `M${from} ${zero}v${(-tall).toFixed(1)}h${across}v${tall.toFixed(1)}z`;
      }
      drawn.replaceChildren(
        ...paths
          .map((d, i) =>
            shape("path", { d, class: `tds-s-${style[i].slice(4)}${only >= 0 && only !== i ? " tds-faded" : ""}` }),
          )
          .filter((path) => path.getAttribute("d")),
        ...(signed ? [shape("line", { x1: 0, x2: n, y1: 50, y2: 50, class: "tds-zero" })] : []),
      );
    }

    // A page of the answer at a time; the other keys are those of the answer.
    box.addEventListener("keydown", (event) => {
      const by = { PageUp: -1, PageDown: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const now = Number(box.getAttribute("aria-valuenow"));
      goTo(Math.min(n - 1, Math.max(0, now + by * Math.max(1, Math.round(n / 20)))));
    });

    function mark(t, label) {
      cursor.hidden = t < 0;
      cursor.style.left = `${(100 * (t + 0.5)) / n}%`;
      box.setAttribute("aria-valuenow", Math.max(t, 0));
      box.setAttribute("aria-valuetext", label);
    }

    const at = (event) => {
      const { left, width } = box.getBoundingClientRect();
      return Math.min(n - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * n)));
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      box.setPointerCapture(event.pointerId);
      goTo(at(event));
    });
    box.addEventListener("pointermove", (event) => {
      if (box.hasPointerCapture(event.pointerId)) goTo(at(event));
    });
    return { box, draw, mark };
  };
};
if (window.tds) window.tds.strip = window.tdsStrip(window.tds);
