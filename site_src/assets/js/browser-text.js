// Text as a model's tokens, in a worker, from what measure/reading_plan.py wrote of a tokenizer and of contexts.
// Special tokens have private names here, so that their text in a prompt or an answer is only text.
self.tdsBrowserText = (/** @type {any} */ plan, /** @type {any} */ Tokenizer) => {
  "use strict";
  const tokenizer = new Tokenizer(plan.tokenizer, {});
  const names = /** @type {Map<string, string>} */ (new Map(plan.special));
  const ids = new Map(plan.special.map(([name, own]) => [tokenizer.token_to_id(own), name]));
  const utf8 = new TextEncoder();
  const PRIVATE = /[\u{100000}-\u{10FFFF}]/u,
    MARKUP = /[<>[\]|#:]/,
    LONGEST = 80; // characters that a template may have written of what an answer begins with
  const literal = [...names.keys()].map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const special = new RegExp(literal.join("|"), "g");

  const encode = (/** @type {string} */ text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  // What a template writes: there the text of a special token is the token.
  const written = (/** @type {string} */ text) =>
    names.size ? text.replace(special, (name) => /** @type {string} */ (names.get(name))) : text;

  // The byte behind each of the 256 printable characters that byte-level BPE uses in place of bytes.
  const bytes = new Map();
  for (let byte = 0, more = 256; byte < 256; byte++) {
    const plain = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    bytes.set(String.fromCharCode(plain ? byte : more++), byte);
  }
  function bytesOf(/** @type {number} */ id) {
    const piece = ids.get(id) ?? tokenizer.id_to_token(id) ?? "";
    const known = ids.has(id) ? [] : Array.from(piece, (char) => bytes.get(char));
    return known.length && !known.includes(undefined) ? Uint8Array.from(known) : utf8.encode(piece);
  }

  /** What each token writes; one that ends within a character leaves it to the token that completes it. */
  function texts(/** @type {number[]} */ all) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return all.map((id, i) => decoder.decode(bytesOf(id), { stream: i + 1 < all.length }));
  }

  function plain(/** @type {string} */ what, /** @type {string} */ text) {
    const found = text.match(PRIVATE);
    if (found) {
      const code = /** @type {number} */ (found[0].codePointAt(0)).toString(16).toUpperCase();
      throw new Error(
        `${what}: holds the private character U+${code}, which stands for special tokens here; take it out`,
      );
    }
    return text;
  }
  const own = (/** @type {any} */ at, /** @type {string} */ prompt) => (at.trims ? prompt.trim() : prompt);
  const before = (/** @type {any} */ at, /** @type {string} */ prompt) =>
    written(at.before) + own(at, plain("prompt", prompt)) + written(at.after);

  /** What an answer begins with though the template has written it already, such as <think>. */
  function repeated(/** @type {any} */ at, /** @type {string} */ text) {
    const end = at.after.trimEnd(),
      start = text.trimStart(),
      blank = at.after.slice(end.length);
    let n = at.opens ? Math.min(end.length, start.length, LONGEST) : 0;
    while (n > 0 && !(end.endsWith(start.slice(0, n)) && MARKUP.test(start.slice(0, n)))) n--;
    if (!n) return 0;
    const size = text.length - start.length + n;
    return blank && text.startsWith(blank, size) ? size + blank.length : size;
  }

  /** The text of an answer alone, and the end token that its text closed with. */
  function split(/** @type {any} */ at, /** @type {string} */ answer) {
    let text = plan.begin && answer.startsWith(plan.begin) ? answer.slice(plan.begin.length) : answer;
    text = text.slice(repeated(at, text));
    const bare = () => text.replace(/\n+$/, "");
    /** @type {number | undefined} */
    let end;
    const mark = () => at.marks.find(([name]) => bare().endsWith(name));
    for (let found = mark(); found; found = mark()) {
      text = bare().slice(0, -found[0].length);
      end = found[1];
    }
    return { text, end };
  }

  /** An answer's text: joint with its prompt; where a token would span both, by itself, behind a line break. */
  function answerIds(/** @type {any} */ at, /** @type {string} */ prompt, /** @type {string} */ text) {
    const first = encode(before(at, prompt)),
      all = encode(before(at, prompt) + at.gap + text);
    if (first.every((id, i) => all[i] === id)) return all.slice(first.length);
    const apart = encode(`\n${at.gap}${text}`);
    return bytesOf(apart[0]).length === 1 ? apart.slice(1) : encode(at.gap + text);
  }
  function answer(/** @type {any} */ at, /** @type {string} */ prompt, /** @type {string} */ given) {
    const { text, end } = split(at, plain("answer", given));
    const found = text ? answerIds(at, prompt, text) : [];
    return { ids: end === undefined ? found : [...found, end], gap: at.gap.length };
  }

  return {
    ids: (/** @type {any} */ at, /** @type {string} */ prompt) => encode(before(at, prompt)),
    reading: (/** @type {any} */ at, /** @type {string} */ prompt) => at.before + own(at, prompt) + at.after,
    /** Whether this browser cuts text as the model's own tokenizer does. */
    agrees: (/** @type {any} */ at) => at.tried.every(([prompt, ids]) => `${encode(before(at, prompt))}` === `${ids}`),
    name: (/** @type {number} */ id) => plan.names[id] ?? "?",
    answer,
    texts,
  };
};
