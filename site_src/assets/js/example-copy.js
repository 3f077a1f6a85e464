// What can be copied from an example page: a position or the answer as JSON, or as the SQL that returns it; and the
// page's two dialogs. Where there is no clipboard (file://), a dialog shows the text, selected.
(() => {
  "use strict";
  const { make, button } = window.tdsDom;
  const { raw, n, ids, tokens, far, bounds, said, shift, delta, candidates, text } = window.tds;
  const quoted = (value) => `'${value.replaceAll("'", "''")}'`;
  // JSON has no infinity.
  const rounded = (value) => (Number.isNaN(value) ? null : value === Infinity ? "inf" : Number(value.toFixed(4)));

  function position(t, names) {
    const conditions = Object.fromEntries(
      names.map((name) => [
        name,
        {
          rank: said[name].rank[t],
          logprob: rounded(said[name].logp[t]),
          entropy: rounded(said[name].entropy[t]),
          candidates: candidates(name, t).map(({ id, logp }) => ({ token: tokens[id], logprob: rounded(logp) })),
        },
      ]),
    );
    return {
      pos: t,
      token: tokens[ids[t]],
      text: text(t),
      shift: shift(t),
      kl_aligned_base: rounded(far.kl[t]),
      kl_base_aligned: rounded(far.klBack[t]),
      js: rounded(far.js[t]),
      ...(bounds && {
        kl_aligned_base_lower: rounded(bounds.kl[t]),
        kl_base_aligned_lower: rounded(bounds.klBack[t]),
        js_lower: rounded(bounds.js[t]),
        js_upper: rounded(bounds.jsMost[t]),
      }),
      delta_logprob: rounded(delta(t)),
      conditions,
    };
  }

  const at = () => ({
    comparison_id: raw.comparison,
    response_id: raw.response,
    prompt_id: raw.prompt,
    base: raw.base,
    aligned: raw.aligned,
  });
  const where = () => `comparison_id = ${quoted(raw.comparison)} AND response_id = ${quoted(raw.response)}`;
  const written = {
    json: (t, names) =>
      JSON.stringify(
        t === undefined
          ? { ...at(), text: raw.text, positions: Array.from({ length: n }, (_, i) => position(i, names)) }
          : { ...at(), ...position(t, names) },
        null,
        1,
      ),
    sql: (t) => `SELECT * FROM tds WHERE ${where()}${t === undefined ? " ORDER BY pos" : ` AND pos = ${t}`}`,
  };

  function dialog(name, ...children) {
    const box = make("dialog", "tds-dialog", make("h2", "", name), ...children);
    box.ariaLabel = name;
    box.append(button("tds-dialog-close", "Close", () => box.close()));
    box.addEventListener("close", () => box.remove());
    box.addEventListener("click", (event) => {
      if (event.target === box) box.close();
    });
    document.querySelector(".tds-example")?.append(box);
    box.showModal();
    return box;
  }

  async function copy(kind, t, names, say) {
    const out = written[kind](t, names);
    try {
      await navigator.clipboard.writeText(out);
      say(`Copied as ${kind === "sql" ? "SQL" : "JSON"}.`);
    } catch {
      const area = make("textarea", "tds-copied");
      area.value = out;
      area.readOnly = true;
      area.rows = 12;
      area.ariaLabel = "The text to copy";
      dialog("Copy this text", area);
      area.select();
    }
  }

  const KEYS = [
    ["← →", "previous and next token"],
    ["p n", "previous and next shifted token"],
    ["Home End", "first and last token"],
    ["c", "next colouring"],
    ["[ ]", "previous and next example, in the order of the table"],
    ["o", "the same prompt in the next comparison; keeps the token if the answer is the same"],
    ["Esc", "deselect the token"],
    ["?", "this help"],
  ];
  function help() {
    const list = make("dl", "tds-keys");
    for (const [key, what] of KEYS)
      list.append(make("dt", "", ...key.split(" ").flatMap((k) => [make("kbd", "", k), " "])), make("dd", "", what));
    dialog(
      "Keys",
      list,
      make(
        "p",
        "tds-small",
        "Click a step of the legend to show only its tokens. Click or drag on the profile to go to a position in the " +
          "answer. The page's address always restores what it shows.",
      ),
    );
  }

  Object.assign(window.tds, { copy, help, written });
})();
