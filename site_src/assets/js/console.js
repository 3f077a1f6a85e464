// The SQL console: DuckDB-Wasm from the site's own files, loaded when it is opened. The database is locked before the
// reader's first query: no other file, no network, no extension, no setting, so that a query in a shared link can do no
// harm.
(() => {
  "use strict";
  const { make, select, script, counted, scheme } = window.tdsDom;
  const root = /** @type {HTMLElement} */ (document.getElementById("tds-console"));
  const asset = (path) => new URL(path, document.baseURI).href;
  const VENDOR = "assets/vendor/duckdb/",
    SHOWN = 500,
    MOST = 100_000;
  const EXAMPLES = [
    [
      "How many tokens of each class?",
      `SELECT comparison_id, shift, count(*) AS positions
FROM tds
GROUP BY ALL
ORDER BY ALL`,
    ],
    [
      "Which words are shifted most often?",
      `SELECT word, count(*) FILTER (shift = 'shifted') AS shifted, count(*) AS occurrences
FROM word
GROUP BY word
HAVING shifted > 0
ORDER BY shifted DESC, word
LIMIT 30`,
    ],
    [
      "What would the base have said?",
      `SELECT token, base_top, count(*) AS positions
FROM tds
WHERE shift = 'shifted'
GROUP BY ALL
ORDER BY positions DESC, token, base_top
LIMIT 20`,
    ],
    [
      "Shares with 95 % intervals",
      `SELECT comparison_id, clustered_mean(x, n) AS shifted_share, clustered_half_width(x, n) AS half_width
FROM (
  SELECT comparison_id, prompt_id, count(*) FILTER (shift = 'shifted')::DOUBLE AS x, count(*) AS n
  FROM tds
  GROUP BY ALL
)
GROUP BY ALL
ORDER BY ALL`,
    ],
    [
      "Which answers are changed most?",
      `SELECT comparison_id, prompt_id, n_tokens, round(shifted_share, 3) AS shifted_share
FROM example
ORDER BY shifted_share DESC, comparison_id, prompt_id
LIMIT 20`,
    ],
    [
      "What is in the database?",
      `SELECT table_name, column_name, data_type, comment
FROM duckdb_columns()
WHERE database_name = 'report' AND NOT internal`,
    ],
  ];
  const asked = new URLSearchParams(location.search).get("sql");
  /** @type {{ names: string[], rows: any[][] }} */
  const NOTHING = { names: [], rows: [] };
  /** @type {any} */
  let connection;
  let stopped = false,
    running = false,
    result = NOTHING;

  async function read(path, progress) {
    const response = await fetch(asset(path));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    const parts = [],
      reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      progress(value.length);
    }
    return { blob: new Blob(parts), plain: response.headers.get("content-encoding") === "gzip" };
  }

  async function open(progress) {
    const [wasm, file] = await Promise.all([
      read(`${VENDOR}duckdb-eh.wasm.gz`, progress),
      read("data/tds.duckdb", progress),
      script(asset(`${VENDOR}duckdb-browser.js`)),
    ]);
    const stream = wasm.plain ? wasm.blob.stream() : wasm.blob.stream().pipeThrough(new DecompressionStream("gzip"));
    const url = URL.createObjectURL(new Blob([await new Response(stream).blob()], { type: "application/wasm" }));
    const { AsyncDuckDB, VoidLogger } = window.tdsDuckDB;
    const db = new AsyncDuckDB(new VoidLogger(), new Worker(asset(`${VENDOR}duckdb-browser-eh.worker.js`)));
    await db.instantiate(url);
    URL.revokeObjectURL(url);
    await db.open({ query: { castBigIntToDouble: true, castDecimalToDouble: true } });
    await db.registerFileBuffer("tds.duckdb", new Uint8Array(await file.blob.arrayBuffer()));
    const con = await db.connect();
    for (const sql of [
      "ATTACH 'tds.duckdb' AS report (READ_ONLY)",
      "USE report",
      "SET autoinstall_known_extensions = false",
      "SET autoload_known_extensions = false",
      "SET enable_external_access = false",
      "SET lock_configuration = true",
    ])
      await con.query(sql);
    connection = con;
  }

  async function start() {
    const bar = make("progress", { max: Number(root.dataset.megabytes) * 1e6, value: 0 });
    const said = make("p", { className: "tds-console__said", role: "status" }, "Loading DuckDB and the database");
    root.replaceChildren(said, bar);
    try {
      await open((bytes) => {
        bar.value += bytes;
      });
    } catch (error) {
      return root.replaceChildren(
        make("p", { className: "tds-console__error", textContent: `The console did not open: ${oneLine(error)}` }),
      );
    }
    draw();
  }

  const oneLine = (error) => String(error?.message ?? error).split("\n")[0];

  const parts = {};
  function draw() {
    const examples = EXAMPLES.map(([name], i) => [i, name]);
    const pick = select("example", "Example queries", [["", "example queries"], ...examples], (i) => {
      if (!i) return;
      parts.sql.value = EXAMPLES[i][1];
      run();
    });
    parts.sql = make("textarea", { value: asked ?? EXAMPLES[0][1], rows: 6, spellcheck: false, ariaLabel: "SQL" });
    parts.sql.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        run();
      }
    });
    const button = (label, act, props) => Object.assign(window.tdsDom.button("tds-button", label, act), props);
    parts.run = button("Run", run, { title: "Ctrl+Enter" });
    parts.cancel = button("Cancel", cancel, { hidden: true });
    parts.csv = button("CSV", csv, { disabled: true });
    parts.chart = button("Chart", chart, { hidden: true });
    parts.said = make("p", { className: "tds-console__said", role: "status" });
    parts.drawn = make("div", { className: "tds-console__chart" });
    parts.table = make("div", { className: "tds-scroll tds-console__rows", tabIndex: 0 });
    root.replaceChildren(
      parts.sql,
      make(
        "div",
        { className: "tds-console__bar" },
        parts.run,
        parts.cancel,
        pick,
        make("span", { textContent: "Ctrl+Enter runs" }),
        parts.csv,
        parts.chart,
      ),
      parts.said,
      parts.drawn,
      parts.table,
    );
    run();
  }

  // JSON has no infinity; a number as `tds query` writes it.
  function named(value) {
    if (typeof value === "bigint") return Number(value);
    return value === Infinity ? "inf" : value === -Infinity ? "-inf" : value;
  }

  function text(value) {
    if (value === null || value === undefined) return "";
    if (value instanceof Date) return value.toISOString();
    if (typeof value === "object") return JSON.stringify(value, (_, v) => named(v));
    return typeof value === "number" ? String(named(value)) : String(value);
  }

  async function run() {
    const sql = parts.sql.value.trim();
    if (running || !sql) return;
    running = true;
    stopped = false;
    history.replaceState(null, "", `?${new URLSearchParams({ sql })}`);
    parts.run.disabled = true;
    parts.cancel.hidden = false;
    parts.said.className = "tds-console__said";
    parts.said.textContent = "Running";
    parts.drawn.replaceChildren();
    const began = performance.now();
    try {
      const reader = await connection.send(sql);
      const rows = [];
      let names = reader.schema?.fields?.map((field) => field.name) ?? [],
        more = false;
      for await (const batch of reader) {
        names = batch.schema.fields.map((field) => field.name);
        const columns = names.map((_, i) => batch.getChildAt(i));
        for (let r = 0; r < batch.numRows && rows.length < MOST; r++) rows.push(columns.map((column) => column.get(r)));
        more = rows.length >= MOST;
        if (more || stopped) break;
      }
      if (more || stopped) await connection.cancelSent();
      if (stopped) throw new Error("cancelled");
      result = { names, rows };
      show(more, performance.now() - began);
    } catch (error) {
      result = NOTHING;
      parts.table.replaceChildren();
      parts.said.className = "tds-console__said tds-console__error";
      parts.said.textContent = stopped ? "Cancelled." : oneLine(error);
    }
    parts.csv.disabled = !result.rows.length;
    parts.chart.hidden = ordinate() < 1;
    parts.run.disabled = running = false;
    parts.cancel.hidden = true;
  }

  async function cancel() {
    stopped = true;
    await connection.cancelSent();
  }

  function show(more, took) {
    const { names, rows } = result;
    const count = `${more ? "the first " : ""}${counted(rows.length, "row")}`;
    const cut = `; only the first ${SHOWN} are shown, the CSV has all${more ? " of these" : ""}`;
    parts.said.textContent = `${count} in ${(took / 1000).toFixed(2)} s${rows.length > SHOWN ? cut : ""}`;
    const numeric = names.map((_, i) => rows.some((row) => typeof row[i] === "number"));
    const cell = (value, i) =>
      make("td", {
        className: numeric[i] ? "tds-n" : "",
        textContent:
          Number.isFinite(value) && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : text(value),
      });
    parts.table.replaceChildren(
      make(
        "table",
        { className: "tds-data" },
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            ...names.map((name, i) =>
              make("th", { scope: "col", className: numeric[i] ? "tds-n" : "", textContent: name }),
            ),
          ),
        ),
        make("tbody", {}, ...rows.slice(0, SHOWN).map((row) => make("tr", {}, ...row.map(cell)))),
      ),
    );
  }

  function csv() {
    // An apostrophe before a text that a spreadsheet would run as a formula.
    const formula = /^(?![+-]?[\d.]+(e[+-]?\d+)?$)[=+\-@\t\r\n＝＋－＠]/;
    const quote = (value) => {
      const s = typeof value === "string" && formula.test(value) ? `'${value}` : text(value);
      return /[",\n\r]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s;
    };
    const body = [result.names, ...result.rows].map((row) => row.map(quote).join(",")).join("\n");
    const link = make("a", {
      href: URL.createObjectURL(new Blob([body + "\n"], { type: "text/csv" })),
      download: "result.csv",
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // The first column of numbers behind that of the abscissa; none is below 1.
  function ordinate() {
    return result.names.findIndex((_, i) => i && typeof result.rows[0]?.[i] === "number");
  }

  async function chart() {
    const { names, rows } = result,
      x = 0,
      y = ordinate();
    if (!window.vegaEmbed)
      await Promise.all([script(asset("assets/js/vega.js")), script(asset("assets/js/palette.js"))]);
    const palette = window.tdsPalette[scheme()],
      color = palette.range.category[0];
    const isNumber = typeof rows[0][x] === "number";
    const values = rows
      .slice(0, SHOWN)
      .map((row) => ({ x: isNumber ? row[x] : text(row[x]), y: Number.isFinite(row[y]) ? row[y] : null }));
    const spec = {
      data: { values },
      width: "container",
      autosize: { type: "fit-x", contains: "padding" },
      mark: {
        color,
        tooltip: true,
        ...(isNumber ? { type: "point", filled: true } : { type: "bar", height: { band: 0.7 } }),
      },
      encoding: isNumber
        ? {
            x: { field: "x", type: "quantitative", title: names[x] },
            y: { field: "y", type: "quantitative", title: names[y] },
          }
        : {
            y: { field: "x", type: "nominal", sort: null, title: null, axis: { labelLimit: 140 } },
            x: { field: "y", type: "quantitative", title: names[y] },
          },
      config: palette,
    };
    const stage = make("div", { className: "tds-live" });
    parts.drawn.replaceChildren(stage);
    await window.vegaEmbed(stage, spec, {
      ast: true,
      actions: false,
      renderer: "svg",
      tooltip: { theme: scheme() },
    });
  }

  if (location.protocol === "file:") {
    root.replaceChildren(
      make("p", {
        textContent:
          "The browser cannot start the console in a page opened from disk. Run the same queries on the file " +
          "data/tds.duckdb beside this page, as below, or serve the folder over HTTP (tds serve).",
      }),
    );
  } else {
    root.querySelector("button")?.addEventListener("click", start);
    if (asked) start();
  }
})();
