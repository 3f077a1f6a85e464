// What the live page asks of an engine, one thing at a time: what goes wrong is one line, and a reader can stop it.
// say: shows a line; rest: whether the page's controls rest meanwhile.
window.tdsLiveWork = (/** @type {any} */ engine, /** @type {any} */ say, /** @type {any} */ rest) => {
  "use strict";
  const { counted } = window.tdsDom;
  const PIECE = 32; // tokens asked for at a time, so that a reader sees that they come, and can stop
  /** @type {AbortController | undefined} */
  let now;
  const sentence = (/** @type {Error} */ error) => error.message.replace(/\.?$/, ".");

  async function alone(/** @type {(signal: AbortSignal) => Promise<void>} */ act) {
    if (now) return;
    now = new AbortController();
    rest(true);
    try {
      await act(now.signal);
    } catch (error) {
      say(error.name === "AbortError" ? "Stopped." : sentence(error));
    }
    now = undefined;
    rest(false);
  }

  // Where the models are at another question, it is asked again when they say.
  async function ask(
    /** @type {"read" | "write"} */ what,
    /** @type {any} */ question,
    /** @type {AbortSignal} */ signal,
  ) {
    for (;;) {
      try {
        return await engine[what]({ ...question, signal });
      } catch (error) {
        if (!error.retryAfter) throw error;
        say(`The models are busy with another question; this one is asked again in ${error.retryAfter} s.`);
        await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
        signal.throwIfAborted();
      }
    }
  }

  function read(/** @type {any} */ question, /** @type {AbortSignal} */ signal) {
    say("Scoring …");
    return ask("read", question, signal);
  }

  /**
   * These tokens and those that one side writes behind them, until it ends, or has written as many as it may.
   * @param {any} question with `ids` and `by` @param {string} who @param {any} limits @param {AbortSignal} signal
   */
  async function written(question, who, limits, signal) {
    const ids = [...question.ids];
    const most = Math.min(limits.answer_tokens, ids.length + limits.new_tokens);
    for (let ended = false; !ended && ids.length < most; ) {
      say(`${who} writes: ${counted(ids.length - question.ids.length, "token")} so far …`);
      const tokens = Math.min(PIECE, most - ids.length);
      const got = await ask("write", { ...question, ids, tokens }, signal);
      ids.push(...got.ids);
      ended = got.ended || got.ids.length < tokens;
    }
    return ids;
  }

  return { alone, read, written, sentence, stop: () => now?.abort() };
};
