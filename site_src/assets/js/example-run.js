// One answer along a training run: a slider over its checkpoints, which are all scored over this answer.
// The numbers are those of the page's further conditions, loaded when a reader asks.
(() => {
  "use strict";
  const box = /** @type {HTMLElement} */ (document.getElementById("run"));
  if (!box) return;
  const { make, minus, percent } = window.tdsDom;
  const { raw, n, K, ids, tokens, base, said, more, text, isEnd, digits, colourings } = window.tds;
  const { of, style } = colourings.delta;
  const signed = (/** @type {number} */ x) => (x > 0 ? "+" : "") + digits(x, 2);

  /** What a checkpoint says of the whole answer, in words. */
  function summary(/** @type {number} */ step, /** @type {any} */ own) {
    let other = 0,
      sum = 0,
      leaves = -1;
    for (let t = 0; t < n; t++) {
      if (own.top[t * K] !== base.top[t * K]) other++;
      if (leaves < 0 && own.rank[t] > 1) leaves = t;
      sum += own.logp[t] - base.logp[t];
    }
    const mean = Number.isNaN(sum) ? "" : `, Δ log p ${signed(sum / n)} nats a token`;
    const end =
      leaves < 0
        ? "it would have written this answer"
        : `its own text would part at position ${leaves}: ${tokens[own.top[leaves * K]]} for ${tokens[ids[leaves]]}`;
    return `step ${step}: another first choice than the base's at ${percent(other / n)}${mean}; ${end}`;
  }

  async function fill() {
    try {
      await more();
    } catch (error) {
      box.append(make("p", { role: "status" }, `${minus(error.message)}.`));
      return;
    }
    const steps = raw.run.filter(([, name]) => said[name]);
    const at = Math.max(
      0,
      steps.findIndex(([, name]) => name === raw.aligned),
    );
    const range = make("input", {
      type: "range",
      min: 0,
      max: steps.length - 1,
      value: at,
      ariaLabel: "Step of the run",
    });
    const told = make("output", "tds-run__told");
    const spans = Array.from({ length: n }, (_, t) => make("span", "tds-t", isEnd(t) ? "" : text(t)));
    function draw() {
      const [step, name] = steps[range.value];
      const own = said[name];
      spans.forEach((span, t) => {
        const delta = own.logp[t] - base.logp[t];
        span.className = `tds-t tds-scaled ${isEnd(t) ? "tds-end " : ""}${style[of(delta)] ?? "tds-none"}`;
        span.title = `Δ log p ${signed(delta)} nats; rank ${own.rank[t]}, its first choice: ${tokens[own.top[t * K]]}`;
      });
      told.textContent = summary(step, own);
      range.setAttribute("aria-valuetext", told.textContent);
    }
    range.addEventListener("input", draw);
    const label = make(
      "p",
      "tds-run__ends",
      make("span", "", `step ${steps[0][0]}`),
      make("span", "", `${steps.at(-1)[0]}`),
    );
    const answer = make("div", { className: "tds-answer", dir: "auto", lang: "und" }, ...spans);
    box.append(make("div", "tds-run__slider", range, label), told, answer);
    draw();
  }
  box.addEventListener("toggle", fill, { once: true });
})();
