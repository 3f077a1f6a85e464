// What is done to a figure's spec before it is drawn: some comparisons alone, and a legend that fits its width.
(() => {
  "use strict";
  const OF = ["comparison", "other"]; // columns that name comparisons
  const ROW = 24; // the least height of a row of marks

  /**
   * A spec and all that it is made of.
   * @returns {any[]}
   */
  function parts(/** @type {any} */ spec) {
    const inner = ["layer", "hconcat", "vconcat", "concat"].flatMap((key) => spec[key] ?? []);
    return [spec, ...[...inner, ...(spec.spec ? [spec.spec] : [])].flatMap(parts)];
  }

  const rowsOf = (/** @type {any} */ spec) => [
    ...Object.entries(spec.datasets ?? {}).map(([key, rows]) => ({ in: spec.datasets, key, rows })),
    ...parts(spec)
      .filter((part) => Array.isArray(part.data?.values))
      .map((part) => ({ in: part.data, key: "values", rows: part.data.values })),
  ];

  const named = (/** @type {any[]} */ rows) => new Set(rows.map((row) => row.comparison).filter(Boolean));

  /**
   * Takes the rows of comparisons that are not shown out of a spec. False where nothing is left of it.
   * @param {any} spec @param {(name: unknown) => boolean} shows
   */
  function only(spec, shows) {
    let all = 0,
      left = 0;
    for (const data of rowsOf(spec)) {
      const kept = data.rows.filter((/** @type {any} */ row) => OF.every((key) => !row[key] || shows(row[key])));
      all = Math.max(all, named(data.rows).size);
      left = Math.max(left, named(kept).size);
      data.in[data.key] = kept;
    }
    let inRows = false;
    for (const { encoding } of parts(spec)) {
      const { y, yOffset, color } = encoding ?? {};
      if (color?.legend?.values) color.legend.values = color.legend.values.filter(shows);
      inRows ||= [y, yOffset].some((channel) => OF.includes(channel?.field));
    }
    if (inRows && typeof spec.height === "number" && left < all)
      // rows stay as far apart
      spec.height = Math.max(2 * ROW, Math.round((spec.height * left) / all));
    return left > 0 || all === 0;
  }

  /** As many columns of a legend as the width has room for; one row, where it has for all. */
  function fit(/** @type {any} */ spec, /** @type {number} */ width) {
    for (const { encoding } of parts(spec)) {
      const legend = encoding?.color?.legend,
        values = legend?.values;
      if (!values?.length) continue;
      const room = Math.floor(width / (Math.max(...values.map((/** @type {string} */ name) => name.length)) * 7 + 34));
      delete legend.columns;
      legend.labelLimit = Math.min(360, width - 40);
      if (values.length > room) legend.columns = Math.max(1, room);
    }
  }

  /** The palette for so many comparisons: bands over one another stay pale; as in figures/__init__.py. */
  function pale(/** @type {any} */ palette, /** @type {any} */ spec) {
    const most = Math.max(0, ...rowsOf(spec).map((data) => named(data.rows).size));
    return { ...palette, area: { ...palette.area, opacity: Math.min(palette.area.opacity, 0.64 / most) } };
  }

  window.tdsFigure = { pale, only, fit };
})();
