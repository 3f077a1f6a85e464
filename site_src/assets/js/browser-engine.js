// The models that the site itself publishes, as an engine of the live page: they run in a worker of this page. From
// file:// nothing can be fetched, so that there is no engine.
(() => {
  "use strict";
  if (location.protocol === "file:") return;
  const RUNTIME = 3.8e6; // bytes of what runs the models
  /** @type {any} */
  let listed;
  /** @type {Worker | undefined} */
  let worker;
  let count = 0,
    told = (/** @type {string} */ _line) => {};
  const waiting = new Map();
  const loaded = new Set();

  function fail(/** @type {string} */ line) {
    for (const { reject } of waiting.values()) reject(new Error(line));
    waiting.clear();
    worker?.terminate();
    worker = undefined;
    loaded.clear();
  }
  function begin() {
    const made = new Worker(new URL("assets/js/browser-worker.js", document.baseURI));
    made.addEventListener("message", ({ data }) => {
      if (data.told) return told(data.told);
      const asked = waiting.get(data.number);
      waiting.delete(data.number);
      if (data.error) asked?.reject(new Error(data.error));
      else asked?.resolve(data.answer);
    });
    made.addEventListener("error", (event) =>
      fail(`the models stopped: ${event.message || "a file of theirs is missing"}`),
    );
    made.postMessage({ listed, root: document.baseURI, classes: window.tdsClasses });
    return made;
  }
  const namesOf = (/** @type {string} */ key) => {
    const { base, aligned } = listed.comparisons.find((pair) => pair.key === key);
    return [...new Set([base.name, aligned.name])];
  };

  /** The worker's answer. Who stops waiting for it gets none; the worker goes on to the question's end. */
  function ask(/** @type {string} */ what, /** @type {any} */ { signal, ...question }) {
    worker ??= begin();
    const number = ++count;
    return new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      waiting.set(number, { resolve, reject });
      /** @type {Worker} */ (worker).postMessage({ number, what, question });
    }).then((answer) => {
      for (const name of namesOf(question.comparison)) loaded.add(name);
      return answer;
    });
  }

  window.tdsLive.engines.browser = {
    where: "browser",
    async describe() {
      const answer = await fetch(new URL("models/pairs.json", document.baseURI));
      if (!answer.ok) throw new Error(`models/pairs.json: the server of this site said ${answer.status}`);
      listed = await answer.json();
      const { comparisons, limits, left_out } = listed;
      const all = /** @type {any[]} */ (Object.values(listed.models));
      return { comparisons, limits, left_out, bytes: all.reduce((sum, { bytes }) => sum + bytes, RUNTIME) };
    },
    /** Bytes that a first question on this comparison fetches. */
    waits: (/** @type {string} */ key) =>
      namesOf(key)
        .filter((name) => !loaded.has(name))
        .reduce((sum, name) => sum + listed.models[name].bytes, loaded.size ? 0 : RUNTIME),
    load(/** @type {any} */ { say, ...question }) {
      told = say;
      return ask("load", question).finally(() => {
        told = () => {};
      });
    },
    read: (/** @type {any} */ question) => ask("read", question),
    write: (/** @type {any} */ question) => ask("write", question),
  };
})();
