// An answer that was just read, as the scripts of example pages know one: numbers by position, tokens by their ids.
window.tdsLiveNumbers = (/** @type {any} */ read, /** @type {any} */ pair) => {
  "use strict";
  const { tokens: positions } = read;
  const n = positions.length;
  const name = (/** @type {any} */ side) => `${side.name}·${side.context}`;
  const shown = (/** @type {string} */ text) => text.replace(/^ /, "␣");
  const nats = (/** @type {any} */ value) => (value === "inf" ? Infinity : (value ?? NaN)); // JSON has neither
  const each = (/** @type {(at: any) => any} */ value) => Float32Array.from(positions, (at) => nats(value(at)));
  const K = Math.min(...positions.flatMap((at) => [at.base.top.length, at.aligned.top.length]));
  const tokens = /** @type {Record<number, string>} */ ({});

  function side(/** @type {"base" | "aligned"} */ by) {
    const top = positions.flatMap((at) => at[by].top.slice(0, K));
    for (const { id, text } of top) tokens[id] = shown(text);
    return {
      rank: Int32Array.from(positions, (at) => at[by].rank),
      logp: each((at) => at[by].log_p),
      entropy: each((at) => at[by].entropy),
      top: Int32Array.from(top, ({ id }) => id),
      topLogp: Float32Array.from(top, ({ log_p }) => nats(log_p)),
    };
  }

  const base = side("base"),
    aligned = side("aligned");
  const starts = Int32Array.from([...positions.map((at) => at.start), positions.at(-1).end]);
  for (const at of positions) tokens[at.id] ??= shown(at.name ?? at.text);
  const raw = {
    base: name(pair.base),
    aligned: name(pair.aligned),
    text: positions.map((at) => at.text).join(""),
    ends: read.ended ?? positions.at(-1).text === "",
    gone: {},
    n,
  };
  const tds = window.tdsNumbers({
    raw,
    K,
    n,
    ids: Int32Array.from(read.ids),
    starts,
    tokens,
    far: { kl: each((at) => at.kl), klBack: each((at) => at.kl_back), js: each((at) => at.js) },
    said: { [raw.base]: base, [raw.aligned]: aligned },
    base,
    aligned,
    conditions: [raw.base, raw.aligned],
  });
  tds.colourings = window.tdsColourings(tds);
  if (positions.every((at) => at.base.entropy === undefined)) delete tds.colourings.entropy;
  return tds;
};
