// What the scripts of all pages share: elements, further scripts, numbers as they are set. Read before the others.
(() => {
  "use strict";

  /**
   * An element. `props` are its properties, attributes where a name has a hyphen or is `role`; or its classes alone.
   * @returns {any}
   */
  function make(/** @type {string} */ tag, /** @type {any} */ props = {}, /** @type {any[]} */ ...children) {
    const node = /** @type {any} */ (document.createElement(tag));
    if (typeof props === "string") props = props ? { className: props } : {};
    for (const [key, value] of Object.entries(props)) {
      if (key === "role" || key.includes("-")) node.setAttribute(key, value);
      else node[key] = value;
    }
    node.append(...children);
    return node;
  }

  /**
   * A button that does something; `name` says what, where its label is a sign.
   * @param {string} className @param {string} label @param {(event: MouseEvent) => void} act
   */
  function button(className, label, act, name = "") {
    const node = make("button", className, label);
    node.type = "button";
    if (name) Object.assign(node, { ariaLabel: name, title: name });
    node.addEventListener("click", act);
    return node;
  }

  /**
   * A select box of [value, text] pairs.
   * @param {string} name @param {string} label @param {[string, string][]} options @param {(value: string) => void} act
   */
  function select(name, label, options, act) {
    const rows = options.map(([value, textContent]) => make("option", { value, textContent }));
    const node = make("select", { name, ariaLabel: label }, ...rows);
    node.addEventListener("change", () => act(node.value));
    return node;
  }

  /** Reads a classic script, which works from a disk too, where nothing can be fetched. */
  function script(/** @type {string} */ src) {
    return new Promise((resolve, reject) => {
      const node = make("script", { src });
      node.addEventListener("load", resolve);
      node.addEventListener("error", () => {
        node.remove();
        reject(new Error(`${src} could not be loaded`));
      });
      document.head.append(node);
    });
  }

  /** The state of a page in its address, after `#`; nothing where it is as at first. */
  function remember(/** @type {string} */ fragment) {
    history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
  }

  /** Whether a key is meant for something else: a field, or the browser. */
  function taken(/** @type {KeyboardEvent} */ event) {
    const field = "input:not([type=checkbox]), select, textarea, [contenteditable], dialog";
    return (
      event.ctrlKey || event.metaKey || event.altKey || Boolean(/** @type {Element} */ (event.target).closest(field))
    );
  }

  const number = (/** @type {number} */ n) => n.toLocaleString("en");
  const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;
  const minus = (/** @type {string} */ text) => text.replace("-", "−"); // as it is set in print
  const counted = (/** @type {number} */ n, /** @type {string} */ noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
  const scheme = () => (document.body.dataset.mdColorScheme === "slate" ? "dark" : "light");

  window.tdsDom = { make, button, select, script, remember, taken, number, percent, minus, counted, scheme };
})();
