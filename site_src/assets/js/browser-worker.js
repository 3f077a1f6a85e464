// The worker in which the page Try it runs a site's models: two questions, answered as live/desk.py does.
"use strict";
importScripts("../vendor/onnx/onnx-browser.js", "browser-text.js", "browser-numbers.js", "browser-models.js");
/** @type {any} */
let listed;
/** @type {any} */
let classes;
/** @type {any} */
let models;
const SHOWN = 10; // candidates of a position
const said = (/** @type {any} */ what) => /** @type {any} */ (self).postMessage(what);

async function side(/** @type {any} */ { name, context }) {
  const model = await models.model(name),
    at = listed.conditions[`${name}·${context}`];
  if (!model.text.agrees(at)) throw new Error("this browser cuts text into other tokens than the models' tokenizer");
  return { model, at };
}
async function sides(/** @type {string} */ key) {
  const pair = listed.comparisons.find((one) => one.key === key);
  if (!pair) throw new Error(`comparison: ${key} is none of this site's`);
  return { base: await side(pair.base), aligned: await side(pair.aligned) };
}
function room(/** @type {any} */ { model }, /** @type {number} */ tokens) {
  const { name, positions } = model;
  const counts = `prompt and answer have ${tokens} tokens, and model ${name} has ${positions} positions`;
  if (positions !== null && tokens > positions) throw new Error(counts);
}

/** What both sides say at each token of an answer; their logits are looked at some tokens at a time. */
async function scored(/** @type {any} */ pair, /** @type {string} */ prompt, /** @type {number[]} */ ids) {
  const both = [pair.base, pair.aligned],
    found = /** @type {any[]} */ ([]);
  const befores = both.map(({ model, at }) => model.text.ids(at, prompt));
  both.forEach((one, i) => room(one, befores[i].length + ids.length));
  const firsts = /** @type {Float32Array[]} */ ([]),
    kept = /** @type {any[]} */ ([]);
  for (const [i, { model }] of both.entries()) {
    firsts.push((await models.next(model, befores[i])).slice());
    kept.push(model.kept);
  }
  for (let start = 0; start < ids.length; start += models.CHUNK) {
    const some = ids.slice(start, start + models.CHUNK);
    const rows = [];
    for (const [i, { model }] of both.entries()) {
      model.kept = kept[i]; // the two sides may be one model
      const behind = await models.run(model, some, 0);
      kept[i] = model.kept;
      const first = firsts[i];
      rows.push((t) => (t ? behind(t - 1) : first));
      firsts[i] = behind(some.length - 1).slice();
    }
    some.forEach((id, t) => found.push(position(pair.aligned.model.text, id, rows[0](t), rows[1](t))));
  }
  return found;
}

function position(/** @type {any} */ text, /** @type {number} */ id, base, aligned) {
  const N = self.tdsBrowserNumbers;
  const finite = (x) => (Number.isFinite(x) ? x : x > 0 ? "inf" : null);
  const [b, a] = [base, aligned].map(N.logProbabilities);
  const { kl, klBack, js } = N.apart(a, b);
  const one = (logits, logp) => ({
    rank: N.rank(logits, id),
    log_p: finite(logp[id]),
    entropy: N.entropy(logp),
    top: N.top(logits, SHOWN).map((i) => ({ id: i, text: text.name(i), log_p: finite(logp[i]) })),
  });
  const said = { base: one(base, b), aligned: one(aligned, a) };
  const { names, bounds } = classes;
  const place = bounds.findIndex((bound) => said.base.rank <= bound);
  return { id, name: text.name(id), ...said, shift: names.at(place), kl: finite(kl), kl_back: finite(klBack), js };
}

async function read(/** @type {any} */ { comparison, prompt, answer, ids: given }) {
  const pair = await sides(comparison),
    { model, at } = pair.aligned;
  const { ids, gap } = answer === undefined ? { ids: given, gap: 0 } : model.text.answer(at, prompt, answer);
  const most = listed.limits.answer_tokens;
  if (!ids.length) throw new Error("answer: is empty");
  if (ids.length > most) throw new Error(`answer: ${ids.length} tokens; at most ${most} are read`);
  const ended = [...pair.base.at.ends, ...at.ends].includes(ids.at(-1));
  const texts = model.text.texts(ended ? ids.slice(0, -1) : ids);
  let cut = gap,
    end = 0;
  const tokens = (await scored(pair, prompt, ids)).map((found, i) => {
    const whole = texts[i] ?? "",
      text = whole.slice(Math.min(cut, whole.length)),
      start = end;
    cut -= whole.length - text.length;
    end += [...text].length;
    return { ...found, text, start, end };
  });
  const reading = (by) => pair[by].model.text.reading(pair[by].at, prompt);
  return { ids, ended, tokens, readings: { base: reading("base"), aligned: reading("aligned") } };
}

async function write(/** @type {any} */ { comparison, prompt, ids, by, tokens }) {
  const { [by]: one } = await sides(comparison),
    { model, at } = one;
  if (at.ends.includes(ids.at(-1))) return { ids: [], ended: true };
  const all = [...model.text.ids(at, prompt), ...ids],
    begun = all.length;
  room(one, begun + 1);
  const most = Math.min(begun + tokens, model.positions ?? Infinity, begun - ids.length + listed.limits.answer_tokens);
  while (all.length < most && !(all.length > begun && at.ends.includes(all.at(-1))))
    all.push(self.tdsBrowserNumbers.top(await models.next(model, all), 1)[0]);
  return { ids: all.slice(begun), ended: at.ends.includes(all.at(-1)) };
}

const ACTS = { read, write, load: async (/** @type {any} */ { comparison }) => void (await sides(comparison)) };
let last = Promise.resolve(); // one question at a time
self.addEventListener("message", ({ data }) => {
  if (data.listed) {
    ({ listed, classes } = data);
    models = self.tdsBrowserModels(data.root, listed, (line) => said({ told: line }));
    return;
  }
  last = last.then(async () => {
    try {
      said({ number: data.number, answer: await ACTS[data.what](data.question) });
    } catch (error) {
      said({ number: data.number, error: error.message });
    }
  });
});
