// The models behind `tds serve --live`, as an engine of the live page: its JSON API on this machine. The server sends
// this script with the page, and the token with which it knows its own page again.
(() => {
  "use strict";
  const token = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=tds-live]")).content;

  /**
   * The answer of one path. A failure is an Error with one line; where the models are busy, with the seconds to wait.
   * @param {string} path @param {any} body @param {AbortSignal | undefined} signal
   */
  async function ask(path, body, signal) {
    const headers = { "X-TDS-Token": token, ...(body && { "Content-Type": "application/json" }) };
    const asked = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal };
    const answer = await fetch(new URL(`live/${path}`, location.href), asked).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new Error("the server does not answer: has `tds serve --live` ended?");
    });
    const said = await answer.json().catch(() => ({ error: `the server said ${answer.status}, and no JSON` }));
    if (answer.ok) return said;
    const wait = Number(answer.headers.get("Retry-After"));
    throw Object.assign(new Error(said.error), wait && { retryAfter: wait });
  }

  window.tdsLive.engines.server = {
    where: "server",
    describe: () => ask("describe", undefined, undefined),
    read: (/** @type {any} */ { signal, ...question }) => ask("read", question, signal),
    write: (/** @type {any} */ { signal, ...question }) => ask("write", question, signal),
  };
})();
