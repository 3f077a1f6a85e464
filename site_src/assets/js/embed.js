// Draws the one figure of an embedded page, in the palette that its frame prefers; until then the picture stands there.
// After # the address may name the comparisons to show, each as c=NAME; all, if it names none.
(() => {
  "use strict";
  const holder = /** @type {HTMLElement} */ (document.getElementById("tds-embed"));
  const text = holder.querySelector("script")?.textContent ?? "";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stage = holder.appendChild(document.createElement("div"));
  stage.className = "tds-live";

  async function draw() {
    const { only, fit, pale } = window.tdsFigure;
    const asked = new URLSearchParams(location.hash.slice(1)).getAll("c");
    let spec = JSON.parse(text);
    if (!only(spec, (/** @type {any} */ name) => !asked.length || asked.includes(name))) spec = JSON.parse(text);
    fit(spec, holder.clientWidth);
    const scheme = dark.matches ? "dark" : "light";
    spec.config = pale(window.tdsPalette[scheme], spec);
    const tooltip = { theme: scheme };
    await window.vegaEmbed(stage, spec, { ast: true, actions: false, renderer: "svg", tooltip });
    holder.classList.add("tds-drawn");
  }

  const again = () => void draw().catch((error) => console.error(error));
  dark.addEventListener("change", again);
  addEventListener("hashchange", again);
  again();
})();
