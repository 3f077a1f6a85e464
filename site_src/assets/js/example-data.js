// The numbers of an answer, unpacked (report/examples/data.py packs them), and further conditions from a second file
// when a reader asks. An example page's are window.tdsExample, and what its scripts share stands in window.tds.
window.tdsUnpack = (/** @type {any} */ raw) => {
  "use strict";
  performance.mark("tds-start");
  const { script } = window.tdsDom;
  const K = raw.k;
  const DIGITS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter((c) => !'"\\<>&'.includes(c));
  const HALF = DIGITS.length / 2;
  const VALUE = Object.fromEntries(DIGITS.map((c, i) => [c, i]));

  // Gives the packed numbers one by one; report/examples/packing.py says how they are written.
  function reader(text) {
    let at = 0;
    return () => {
      let value = 0;
      for (let weight = 1; ; ) {
        const digit = VALUE[text[at++]];
        if (digit < HALF) return value + digit * weight;
        value += (digit - HALF) * weight;
        weight *= HALF;
        value += weight;
      }
    };
  }

  // Tokens: of each how many characters it shares with the one before, and the rest, a leading ␣ written as a space.
  function split(joined) {
    let before = [];
    return (joined ? joined.split("\x7f") : []).map((text) => {
      before = [...before.slice(0, VALUE[text[0]]), ...text.slice(1).replace(/^ /, "␣")];
      return before.join("");
    });
  }

  const tokens = split(raw.tokens);
  const n = raw.n;
  const ids = new Int32Array(n),
    starts = new Int32Array(n + 1);
  for (let t = 0, next = reader(raw.own); t < n; t++) {
    ids[t] = next();
    starts[t + 1] = starts[t] + next();
  }

  const nats = (value) => (value > 1e9 ? NaN : value === 1e9 ? Infinity : value / 1e4);
  const far = { kl: new Float32Array(n), klBack: new Float32Array(n), js: new Float32Array(n) };
  for (let t = 0, next = reader(raw.far); t < n; t++)
    for (const key of ["kl", "klBack", "js"]) {
      const value = next();
      far[key][t] = nats(value);
    }
  // Where lists of the likeliest tokens are all that is known of a model: what each is at least, and JS at most.
  const bounds = raw.bounds ? boundsOf(reader(raw.bounds)) : undefined;

  function boundsOf(next) {
    const found = { kl: [], klBack: [], js: [], jsMost: [] };
    for (let t = 0; t < n; t++) for (const key of ["kl", "klBack", "js", "jsMost"]) found[key].push(nats(next()));
    return found;
  }

  // One condition: rank, log p and entropy by position; candidates at K places a position. Beside a base, a candidate
  // below K is a place in the base's list.
  function unpack(text, beside) {
    const next = reader(text);
    const said = {
      rank: new Int32Array(n),
      logp: new Float32Array(n),
      entropy: new Float32Array(n),
      top: new Int32Array(n * K),
      topLogp: new Float32Array(n * K),
    };
    for (let t = 0; t < n; t++) {
      said.rank[t] = next();
      const logp = next();
      said.logp[t] = logp === 0 ? NaN : (1 - logp) / 1000;
      const entropy = next();
      said.entropy[t] = entropy > 1e9 ? NaN : entropy / 1000;
      for (let i = 0, minus = 0; i < K; i++) {
        const which = next();
        said.top[t * K + i] = !beside ? which : which < K ? beside.top[t * K + which] : which - K;
        minus += next();
        said.topLogp[t * K + i] = -minus / 1000;
      }
    }
    return said;
  }

  const said = {};
  for (const [name, text] of Object.entries(raw.said)) said[name] = unpack(text, said[raw.base]);
  /** @type {Promise<void> | undefined} */
  let loading;

  // The further conditions: a classic script beside the page's own, which works from file:// too.
  function more() {
    loading ??= script(`${raw.page}.more.js`).then(
      () => {
        tokens.push(...split(window.tdsExampleMore.tokens));
        for (const [name, text] of Object.entries(window.tdsExampleMore.said)) said[name] = unpack(text, base);
      },
      () => {
        loading = undefined;
        throw new Error("the other conditions could not be loaded");
      },
    );
    return loading;
  }

  const base = said[raw.base],
    aligned = said[raw.aligned];
  return window.tdsNumbers({
    raw,
    K,
    n,
    ids,
    starts,
    tokens,
    far,
    bounds,
    said,
    more,
    base,
    aligned,
    conditions: [...new Set([raw.base, raw.aligned, ...raw.more])],
  });
};

// The numbers of an answer, wherever they come from, with what the scripts of pages ask of them.
window.tdsNumbers = (/** @type {any} */ tds) => {
  "use strict";
  const { minus } = window.tdsDom;
  const { names: CLASSES, bounds: BOUNDS } = window.tdsClasses;
  const { raw, n, K, starts, said, base, aligned } = tds;
  const points = Array.from(raw.text);
  return {
    ...tds,
    text: (t) => points.slice(starts[t], starts[t + 1]).join(""),
    start: (t) => starts[t],
    length: (t) => starts[t + 1] - starts[t],
    isEnd: (t) => raw.ends && t === n - 1,
    shift: (t) => CLASSES[BOUNDS.filter((bound) => base.rank[t] > bound).length],
    delta: (t) => aligned.logp[t] - base.logp[t],
    candidates: (name, t) => {
      const list = [];
      for (let i = t * K; i < (t + 1) * K; i++) list.push({ id: said[name].top[i], logp: said[name].topLogp[i] });
      return list;
    },
    probability: (logp) => {
      if (Number.isNaN(logp)) return "none";
      const p = 100 * Math.exp(logp);
      return p >= 99.95
        ? "100 %"
        : p >= 0.1
          ? `${p.toPrecision(p >= 10 ? 3 : 2)} %`
          : p >= 0.01
            ? `${p.toFixed(2)} %`
            : "< 0.01 %";
    },
    // none: a token that the model gives no probability
    digits: (value, places) => (Number.isNaN(value) ? "none" : value === Infinity ? "∞" : minus(value.toFixed(places))),
  };
};
if (window.tdsExample) window.tds = window.tdsUnpack(window.tdsExample);
