// The colourings of an answer: a token's value, its step on the scale, its height in the profile. The steps are the
// same on every page, so that pages are comparable; example.css holds their colours in both palettes.
window.tdsColourings = (/** @type {any} */ tds) => {
  "use strict";
  const { n, base, far, shift, delta, digits } = tds;
  const { names: CLASSES, bounds: BOUNDS } = window.tdsClasses;
  const { number } = window.tdsDom;
  /** @typedef {(t: number) => number} Value of a position */
  const below = (/** @type {number[]} */ limits) => (/** @type {number} */ value) =>
    Number.isNaN(value) ? -1 : limits.filter((limit) => value >= limit).length;
  const largest = (/** @type {Value} */ value) => {
    let most = 0;
    for (let t = 0; t < n; t++) {
      const size = Math.abs(value(t));
      if (size > most && size < Infinity) most = size;
    }
    return most || 1;
  };

  /**
   * A scale of numbers: the classes of its steps, their names, the value of a position, and its height from -1 to 1.
   * @param {{name: string, title: string, value: Value, limits: number[], labels: string[],
   *   style: string[], bend?: (x: number) => number, write?: (t: number) => string}} how
   */
  function scale({ name, title, value, limits, labels, style, bend = (x) => x, write }) {
    const step = below(limits);
    let most = 0;
    return {
      name,
      title,
      labels,
      style,
      write: write ?? ((t) => (Number.isNaN(value(t)) ? "not known" : `${digits(value(t), 3)} nats`)),
      of: step,
      step: (/** @type {number} */ t) => step(value(t)),
      height: (/** @type {number} */ t) => {
        most ||= bend(largest(value));
        const x = value(t);
        return Number.isNaN(x) ? 0 : Math.sign(x) * Math.min(1, bend(Math.abs(x)) / most);
      },
    };
  }

  // Ranks in steps: the classes' own bounds, then powers of ten.
  const RANKS = [...BOUNDS, 10, 100, 1000];
  const rankLabel = (/** @type {number} */ top, /** @type {number} */ i) =>
    i && RANKS[i - 1] + 1 < top ? `${number(RANKS[i - 1] + 1)}–${number(top)}` : number(top);
  const shades = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => `tds-q${i}`);
  const sequence = (/** @type {number[]} */ limits) => ({
    limits,
    labels: [`< ${limits[0]}`, ...limits.slice(1).map((limit, i) => `${limits[i]}–${limit}`), `≥ ${limits.at(-1)}`],
    style: shades(limits.length + 1),
  });
  return {
    class: {
      name: "Class",
      title: "Where the base ranks the token: first, second or third, lower",
      labels: CLASSES,
      style: CLASSES.map((/** @type {string} */ c) => `tds-c-${c}`),
      step: (/** @type {number} */ t) => CLASSES.indexOf(shift(t)),
      height: (/** @type {number} */ t) => [0.08, 0.45, 1][CLASSES.indexOf(shift(t))],
      write: (/** @type {number} */ t) => shift(t),
    },
    rank: scale({
      name: "Log rank",
      title: "Rank of the token under the base, on a log scale",
      value: (t) => Math.log10(base.rank[t]),
      limits: RANKS.map((rank) => Math.log10(rank + 0.5)),
      labels: [...RANKS.map(rankLabel), `over ${number(RANKS.at(-1))}`],
      style: shades(6),
      write: (t) => `rank ${base.rank[t]}`,
    }),
    kl: scale({
      name: "KL",
      title: "KL(aligned‖base) at the position, nats",
      value: (t) => far.kl[t],
      ...sequence([0.05, 0.2, 0.5, 1, 3]),
      bend: Math.sqrt,
    }),
    delta: scale({
      name: "Δ log p",
      title: "ln p aligned − ln p base of the token, nats: positive where tuning promoted it",
      value: delta,
      limits: [-3, -1, -0.1, 0.1, 1, 3],
      labels: ["< −3", "−3 to −1", "−1 to −0.1", "about 0", "0.1–1", "1–3", "≥ 3"],
      style: ["tds-d0", "tds-d1", "tds-d2", "tds-q0", "tds-d4", "tds-d5", "tds-d6"],
      bend: Math.sqrt,
      write: (t) => (delta(t) > 0 ? "+" : "") + (Number.isNaN(delta(t)) ? "none" : `${digits(delta(t), 3)} nats`),
    }),
    entropy: scale({
      name: "Entropy",
      title: "Entropy of the base's distribution, nats: how uncertain it is",
      value: (t) => base.entropy[t],
      ...sequence([0.1, 0.5, 1, 2, 3.5]),
    }),
  };
};
if (window.tds) window.tds.colourings = window.tdsColourings(window.tds);
