// Draws every figure of the page from the spec inside it, in the palette of the moment, and again when the palette or
// the width changes. Until then, and without JavaScript, the static SVG stands there.
(() => {
  "use strict";
  const { make, scheme } = window.tdsDom;
  const live = new Map();

  /**
   * Names where curves end take a third of a phone's width.
   * @param {{layer?: {name?: string, encoding?: {color?: {legend?: object}}}[]}} spec
   */
  function namedInALegend(spec) {
    if (!spec.layer?.some((layer) => layer.name === "names")) return;
    spec.layer = spec.layer.filter((layer) => layer.name !== "names");
    for (const { encoding } of spec.layer) if (encoding?.color) delete encoding.color.legend;
  }

  async function draw(/** @type {Element} */ holder) {
    const spec = JSON.parse(holder.querySelector("script[type='application/json']")?.textContent ?? "");
    const palette = window.tdsPalette[scheme()];
    const narrow = holder.clientWidth < 480; // a legend in one row would be cut on a phone
    if (narrow) namedInALegend(spec);
    spec.config = narrow ? { ...palette, legend: { ...palette.legend, columns: 1 } } : palette;
    if (!holder.querySelector(".tds-live")) holder.append(make("div", "tds-live"));
    const stage = holder.querySelector(".tds-live");
    const result = await window.vegaEmbed(stage, spec, {
      ast: true,
      actions: false,
      renderer: "svg",
      tooltip: { theme: scheme() },
    });
    live.get(holder)?.finalize();
    live.set(holder, result);
    holder.classList.add("tds-drawn");
  }

  function drawAll() {
    document.querySelectorAll("[data-chart]").forEach((holder) => draw(holder).catch((error) => console.error(error)));
  }

  new MutationObserver(drawAll).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  drawAll();
})();
