// What each model read before the answer, drawn when a reader opens it: the own part of the prompt from the data of the
// page, what all prompts of a condition share from a script that the pages of a comparison share.
(() => {
  "use strict";
  const { make, script } = window.tdsDom;
  const { raw } = window.tds;
  const box = /** @type {HTMLDetailsElement} */ (document.getElementById("before"));

  /**
   * The text with its special tokens marked; what only looks like one is not.
   * @param {[string, number[]]} own the text, and where special tokens begin and end @param {[string, string]} shared
   */
  function marked([text, special], [opening, closing]) {
    const whole = Array.from(opening + text + closing);
    const piece = (/** @type {number} */ from, /** @type {number | undefined} */ to = undefined) =>
      whole.slice(from, to).join("");
    const code = make("code");
    let at = 0;
    for (let i = 0; i < special.length; i += 2) {
      code.append(piece(at, special[i]), make("mark", "tds-special", piece(special[i], special[i + 1])));
      at = special[i + 1];
    }
    code.append(piece(at));
    return code;
  }

  function side(/** @type {string} */ name, /** @type {string} */ place) {
    const read = make("section", "tds-read", make("p", "", name, " ", make("small", "", place)));
    const text = raw.before[name] && marked(raw.before[name], window.tdsBefore[name]);
    const label = `What ${name} read, special tokens marked`;
    read.append(text ? make("pre", { tabIndex: 0, role: "group", ariaLabel: label }, text) : "not recorded");
    return read;
  }

  async function fill() {
    try {
      await script("before.js");
      box.append(make("div", "tds-reads", side(raw.base, "base"), side(raw.aligned, "aligned")));
    } catch (error) {
      box.append(make("p", { role: "status" }, `${error.message}.`));
    }
  }
  box.addEventListener("toggle", fill, { once: true });
})();
