// Draws every figure of the page from the spec inside it, in the palette of the moment, and again when the palette or
// the width changes. Until then, and without JavaScript, the static SVG stands there.
(() => {
  "use strict";
  const { make, button, select, scheme } = window.tdsDom;
  const { only, fit, pale } = window.tdsFigure;
  const chosen = window.tdsChosen;
  const live = new Map();
  const site = new URL("../../", /** @type {HTMLScriptElement} */ (document.currentScript).src);
  const FACETS = ["comparison", "task", "topic", "role", "position"];
  const EARLY = 95; // the last position that the table of examples can be asked for

  /**
   * Names where curves end take a third of a phone's width.
   * @param {{layer?: {name?: string, encoding?: {color?: {legend?: object}}}[]}} spec
   */
  function namedInALegend(spec) {
    if (!spec.layer?.some((layer) => layer.name === "names")) return;
    spec.layer = spec.layer.filter((layer) => layer.name !== "names");
    for (const { encoding } of spec.layer) if (encoding?.color) delete encoding.color.legend;
  }

  /**
   * The examples, or the lines of a word, that a row of a figure stands for.
   * @param {Record<string, any>} row
   */
  function examples(row) {
    if (!row?.comparison) return "";
    if (row.word)
      return new URL(`words.html#${new URLSearchParams({ word: row.word, in: row.comparison })}`, site).href;
    const facets = FACETS.filter((key) => typeof row[key] === "string" || (key === "position" && row[key] <= EARLY));
    const asked = facets.map((key) => [key, `${row[key]}`]).filter(([, value]) => value);
    return new URL(`examples.html#${new URLSearchParams(asked)}`, site).href;
  }

  /**
   * A click on a mark opens its examples; with a finger it only shows the mark's numbers. A curve is one mark: where it
   * was hit is its position.
   * @param {any} view
   */
  function lead(view) {
    const position = (/** @type {MouseEvent} */ event) => {
      const left = view.container().querySelector("svg").getBoundingClientRect().left;
      return Math.round(view.scale("x").invert(event.clientX - left - view.origin()[0] - view.padding().left));
    };
    const target = (/** @type {any} */ event, /** @type {any} */ item) => {
      const row = item?.datum;
      if (!row?.comparison || event.pointerType === "touch") return "";
      const along = typeof row.position === "number" && ["line", "area"].includes(item.mark?.marktype);
      return examples(along ? { ...row, position: position(event) } : row);
    };
    view.addEventListener("mousemove", (/** @type {any} */ event, /** @type {any} */ item) => {
      view.container().style.cursor = target(event, item) ? "pointer" : "";
    });
    view.addEventListener("click", (/** @type {any} */ event, /** @type {any} */ item) => {
      const href = target(event, item);
      if (href && (event.ctrlKey || event.metaKey)) open(href, "_blank", "noopener");
      else if (href) location.assign(href);
    });
  }

  /** The same for the keyboard: the rows of the table below a figure. */
  function link(/** @type {Element} */ figure) {
    const table = figure.querySelector("table");
    if (!table) return;
    const names = [...table.querySelectorAll("th")].map((cell) => cell.textContent ?? "");
    for (const line of table.querySelectorAll("tbody tr")) {
      const cells = [...line.children];
      const row = Object.fromEntries(names.map((name, i) => [name, cells[i]?.textContent ?? ""]));
      const href = examples({ ...row, position: row.position ? Number(row.position) : undefined });
      if (href) cells[0].replaceChildren(make("a", { href, textContent: cells[0].textContent }));
    }
  }

  async function draw(/** @type {Element} */ holder) {
    const spec = JSON.parse(holder.querySelector("script[type='application/json']")?.textContent ?? "");
    const palette = window.tdsPalette[scheme()];
    const narrow = holder.clientWidth < 480; // a legend in one row would be cut on a phone
    if (narrow) namedInALegend(spec);
    const some = only(spec, chosen.shows);
    fit(spec, holder.clientWidth);
    spec.config = pale(palette, spec);
    if (narrow) spec.config.legend = { ...palette.legend, columns: 1 };
    if (!holder.querySelector(".tds-live")) holder.append(make("div", "tds-live"));
    const stage = /** @type {Element} */ (holder.querySelector(".tds-live"));
    if (!some) return nothing(holder, stage);
    const result = await window.vegaEmbed(stage, spec, {
      ast: true,
      actions: false,
      renderer: "svg",
      tooltip: { theme: scheme() },
    });
    live.get(holder)?.finalize();
    live.set(holder, result);
    lead(result.view);
    holder.classList.add("tds-drawn");
  }

  /** In place of a figure that is of other comparisons than those chosen. */
  function nothing(/** @type {Element} */ holder, /** @type {Element} */ stage) {
    live.get(holder)?.finalize();
    live.delete(holder);
    const all = button("tds-choice__all", "show all", () => chosen.choose(chosen.all));
    stage.replaceChildren(make("p", "tds-small", "This figure is of comparisons that are not shown. ", all));
    holder.classList.add("tds-drawn");
  }

  function drawAll(/** @type {ParentNode} */ within = document) {
    for (const holder of within.querySelectorAll("[data-chart]"))
      if (!holder.closest("[hidden]")) draw(holder).catch((error) => console.error(error));
  }

  /** Figures of one part of the answers each, one at a time: the part chosen at any of them, if they have it. */
  function chooseParts() {
    const choosers = [...document.querySelectorAll(".tds-parts")].map((parts) => {
      const blocks = /** @type {HTMLElement[]} */ ([...parts.children]);
      const names = blocks.map((block) => block.dataset.part ?? "");
      const options = names.map((name) => /** @type {[string, string]} */ ([name, name]));
      const chosen = select("part", "Part of the answers", options, show);
      parts.prepend(make("label", "tds-part", "Part of the answers ", chosen));
      return { blocks, names, chosen };
    });
    function show(/** @type {string} */ part) {
      for (const { blocks, names, chosen } of choosers) {
        const shown = names.includes(part) ? part : names[0];
        chosen.value = shown;
        for (const [i, block] of blocks.entries()) {
          const opens = block.hidden && names[i] === shown;
          block.hidden = names[i] !== shown;
          if (opens) drawAll(block);
        }
      }
    }
    show("answer");
  }

  /** The button Embed: what to paste into another page so that it shows the figure, of the comparisons chosen. */
  function embed(/** @type {HTMLElement} */ figure) {
    const asks = /** @type {HTMLButtonElement | null} */ (figure.querySelector("button.tds-embed"));
    if (!asks) return;
    const field = make("textarea", {
      className: "tds-embed__text",
      readOnly: true,
      rows: 3,
      ariaLabel: "HTML to embed",
    });
    asks.hidden = false;
    asks.addEventListener("click", () => {
      if (field.isConnected) return field.remove();
      const names = chosen.partly()
        ? `#${new URLSearchParams(chosen.names().map((/** @type {string} */ name) => ["c", name]))}`
        : "";
      const frame = make("iframe", {
        src: new URL(`embed/${figure.id}.html${names}`, site).href,
        title: figure.querySelector("img")?.alt.split(". ")[0] ?? figure.id,
        width: "100%",
        height: asks.dataset.height,
        loading: "lazy",
        style: "border:0",
      });
      field.value = frame.outerHTML;
      asks.parentElement?.after(field);
      field.select();
      navigator.clipboard?.writeText(field.value).catch(() => {}); // it stands there, selected, in any case
    });
  }

  chooseParts();
  new MutationObserver(() => drawAll()).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
  document.addEventListener("tds-chosen", () => drawAll());
  drawAll();
  for (const figure of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".tds-figure"))) {
    link(figure);
    embed(figure);
  }
})();
