// The choice of comparisons at the head of a page, and what of the page is of one comparison: cards, rows of tables,
// items of lists, lines of an answer, folded tables. Without this script all of it is shown.
(() => {
  "use strict";
  const { make, button } = window.tdsDom;
  const chosen = window.tdsChosen;
  const main = document.querySelector(".md-content");
  if (!main || chosen.all.length < 2) return;
  const known = new Set(chosen.all);
  const textOf = (/** @type {Element | null | undefined} */ node) => node?.textContent?.trim() ?? "";

  /** The lines of an answer, each in an element of its own: a line break opens one. */
  function lines(/** @type {Element} */ answer) {
    const made = /** @type {Element[]} */ ([]);
    for (const node of [...answer.childNodes]) {
      if (node.nodeName === "BR" || !made.length) {
        made.push(make("span"));
        node.before(made[made.length - 1]);
      }
      made[made.length - 1].append(node);
    }
    return made;
  }

  /** Elements of one comparison each, with its name: what they begin with, or what stands in the column so named. */
  function parts(/** @type {Element} */ within) {
    const begun = (/** @type {Element} */ node) => {
      const bold = textOf(node.querySelector("b, strong"));
      return textOf(node).replace(/^In /, "").startsWith(bold) ? bold : "";
    };
    const found = /** @type {[Element, string][]} */ ([]);
    for (const table of within.querySelectorAll("table")) {
      const at = [...(table.tHead?.rows[0]?.cells ?? [])].findIndex((cell) => textOf(cell) === "comparison");
      for (const row of table.tBodies[0]?.rows ?? []) found.push([row, textOf(row.cells[Math.max(at, 0)])]);
    }
    for (const item of within.querySelectorAll("li")) found.push([item, begun(item)]);
    for (const answer of within.querySelectorAll(".tds-answer-line"))
      for (const line of lines(answer)) found.push([line, begun(line)]);
    for (const card of within.querySelectorAll(".tds-card")) found.push([card, textOf(card.firstElementChild)]);
    for (const fold of within.querySelectorAll("details.tds-fold"))
      found.push([fold, textOf(fold.querySelector("summary"))]);
    return found.filter(([, name]) => known.has(name));
  }

  const mine = parts(main);
  const list = main.querySelector("#tds-words, #tds-table"); // which ask for the choice themselves
  if (!mine.length && !list && !main.querySelector("[data-chart]")) return;

  /** @type {HTMLInputElement[]} */
  const boxes = chosen.all.map((/** @type {string} */ name) => {
    const box = make("input", { type: "checkbox", value: name });
    box.addEventListener("change", () => chosen.choose(boxes.filter((one) => one.checked).map((one) => one.value)));
    return box;
  });
  const rows = boxes.map((box, i) => {
    const name = chosen.all[i];
    const only = button("tds-choice__only", "only", () => chosen.choose([name]), `only ${name}`);
    return make(
      "li",
      {},
      make("label", {}, box, make("i", `tds-k${i % 8}`), make("span", { textContent: name })),
      only,
    );
  });
  const summary = make("summary");
  const restore = button("tds-choice__all", "show all", () => {
    chosen.choose(chosen.all);
    summary.focus(); // the button is gone
  });
  const note = make("p", "tds-small");
  const status = make("span", { className: "tds-choice__said", role: "status" });
  const choice = make(
    "div",
    { className: "tds-choice", "data-search-exclude": "" },
    make("details", {}, summary, make("ul", {}, ...rows), note),
    restore,
    status,
  );
  summary.textContent = "Comparisons";
  note.textContent =
    "Kept in this browser, for every page. Sentences that name none are about all of them. In lists of findings " +
    "pictures are of all, and a sentence is about the comparison that it names, mostly the first.";

  function show() {
    const { all, shows } = chosen;
    const names = chosen.names();
    for (const [node, name] of mine) node.classList.toggle("tds-other", !shows(name));
    for (const [i, box] of boxes.entries()) {
      box.checked = shows(all[i]);
      box.disabled = box.checked && names.length === 1;
    }
    restore.hidden = !chosen.partly();
    status.textContent = chosen.partly()
      ? `${names.length} of ${all.length} comparisons shown. Sentences without a name are about all ${all.length}.`
      : `All ${all.length} comparisons are shown.`;
  }

  const head = main.querySelector(".tds-cards") ?? main.querySelector("h1");
  if (head?.matches("h1")) head.after(choice);
  else head?.before(choice);
  document.addEventListener("tds-chosen", show);
  show();
})();
