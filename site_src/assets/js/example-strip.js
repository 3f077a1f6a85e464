// The whole answer's profile by position: an SVG of one path a step of the colouring, so that it is as cheap at a
// thousand tokens as at ten. It is a slider: click or drag goes to the token.
window.tdsStrip = (/** @type {any} */ tds) => {
  "use strict";
  const { make } = window.tdsDom;
  const { n, colourings } = tds;
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

    function draw(by, only) {
      const { step, height, style } = colourings[by],
        signed = by === "delta";
      const zero = signed ? 50 : 100,
        reach = signed ? 47 : 96,
        paths = style.map(() => "");
      for (let t = 0; t < n; t++) {
        const at = step(t);
        if (at < 0) continue;
        const top = height(t) * reach,
          tall = Math.abs(top) < 2 ? 2 : top;
        paths[at] += `M${t} ${zero}v${(-tall).toFixed(1)}h1v${tall.toFixed(1)}z`;
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
