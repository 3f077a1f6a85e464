// Which two conditions the live page puts beside each other: the two models, and a context of each.
window.tdsLivePairs = (/** @type {HTMLElement} */ box, /** @type {any[]} */ all, /** @type {() => void} */ changed) => {
  "use strict";
  const { make, select } = window.tdsDom;
  const models = (/** @type {any} */ pair) => `${pair.base.name} → ${pair.aligned.name}`;
  const unique = (/** @type {string[]} */ names) =>
    [...new Set(names)].map((x) => /** @type {[string, string]} */ ([x, x]));
  let now = all[0];

  // Of the pairs of these models, the one in these contexts; else the first in the base's, else the first.
  function find(/** @type {string} */ of, /** @type {string} */ base, /** @type {string} */ aligned) {
    const same = all.filter((pair) => models(pair) === of);
    const near = same.filter((pair) => pair.base.context === base);
    return near.find((pair) => pair.aligned.context === aligned) ?? near[0] ?? same[0];
  }
  function choose(/** @type {any} */ pair) {
    now = pair;
    draw();
    changed();
  }
  function field(/** @type {string} */ label, /** @type {string[]} */ names, /** @type {string} */ value, act) {
    const node = select(label, label, unique(names), act);
    node.value = value;
    node.dataset.name = label;
    return make("label", "", label, " ", node);
  }
  function draw() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.name;
    const { base, aligned } = now;
    const same = all.filter((pair) => models(pair) === models(now));
    const bases = same.map((pair) => pair.base.context);
    const aligneds = same.filter((pair) => pair.base.context === base.context).map((pair) => pair.aligned.context);
    box.replaceChildren(
      field("Models", all.map(models), models(now), (of) => {
        const own = all.find((pair) => models(pair) === of);
        choose(own);
      }),
      field(`Context of ${base.name}`, bases, base.context, (context) =>
        choose(find(models(now), context, aligned.context)),
      ),
      field(`Context of ${aligned.name}`, aligneds, aligned.context, (context) =>
        choose(find(models(now), base.context, context)),
      ),
    );
    /** @type {HTMLElement | null} */ (
      focused ? box.querySelector(`[data-name="${CSS.escape(focused)}"]`) : null
    )?.focus();
  }
  draw();
  return { chosen: () => now, choose };
};
