// The live page: any prompt, an answer that is written, edited, or goes on from a token that the reader chose. Who runs
// the models is an engine, which its own script registers in tdsLive.engines; ARCHITECTURE.md says what one does.
window.tdsLive = { engines: {} };
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const { make, button, counted, percent, remember } = window.tdsDom;
  const element = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const root = /** @type {HTMLElement} */ (document.querySelector(".tds-live"));
  const prompt = element("live-prompt"),
    text = element("live-answer"),
    before = element("before");
  const engine = window.tdsLive.engines.server ?? window.tdsLive.engines.browser;
  const draw = window.tdsLiveView(root, { swap });
  /** @type {any} */
  let limits;
  /** @type {any} */
  let pairs;
  /** What stands there, behind what stood there before: the question, its pair, what was found, how it came about. */
  const shown = /** @type {any[]} */ ([]);

  const SERVER = "`tds serve --live --report FILE` shows the site with its models behind this page.";
  const HERE = "`tds serve` shows the site at an address of your own machine, where they run in this page.";
  const INSIDE = "The models run in this page: what you write does not leave it.";
  const WHY = {
    file: `Opened from a disk, this page can ask nobody: a browser lets it fetch nothing. ${SERVER}`,
    nobody: `Nobody runs the models here. ${element("live-note").dataset.why ?? ""} On your own machine ${SERVER}`,
    kept: `Opened from a disk, this page cannot load the models that the site brings. ${HERE}`,
  };
  const say = (/** @type {string} */ line) => tell("live-said", line);
  const work = window.tdsLiveWork(engine, say, rest);
  function tell(/** @type {string} */ id, /** @type {string} */ line) {
    element(id).textContent = line;
  }

  async function begin() {
    const disk = element("live-note").dataset.models === undefined ? WHY.file : WHY.kept;
    if (!engine) return tell("live-note", location.protocol === "file:" ? disk : WHY.nobody);
    try {
      tell("live-note", "Looking for the models …");
      const described = await engine.describe();
      limits = described.limits;
      pairs = window.tdsLivePairs(element("live-pair"), described.comparisons, buttons);
      prompt.maxLength = limits.prompt_characters;
      restore(described.comparisons);
      tell("live-note", [...(engine.waits ? [INSIDE] : []), ...(described.left_out ?? [])].join(" "));
      element("live-form").hidden = element("live-edit").hidden = false;
      buttons();
      performance.mark("tds-ready");
    } catch (error) {
      tell("live-note", work.sentence(error));
    }
  }

  // In the address: the last question.
  function restore(/** @type {any[]} */ comparisons) {
    const given = new URLSearchParams(location.hash.slice(1));
    prompt.value = given.get("prompt")?.slice(0, limits.prompt_characters) ?? "";
    const pair = comparisons.find(({ key }) => key === given.get("comparison"));
    if (pair) pairs.choose(pair);
  }

  function rest(/** @type {boolean} */ on) {
    element("live-busy").hidden = !on;
    root.classList.toggle("tds-live--busy", on);
    const controls = /** @type {any[]} */ ([...root.querySelectorAll(".tds-live__acts button, .tds-live__pick")]);
    for (const control of controls) control.ariaDisabled = String(on); // and keeps the focus
  }

  const name = (by, pair = pairs.chosen()) => `${pair[by].name}·${pair[by].context}`;
  function asked() {
    if (!prompt.value) throw new Error("write a prompt first");
    return { pair: pairs.chosen(), prompt: prompt.value };
  }
  const question = ({ pair, prompt }) => ({ comparison: pair.key, prompt });

  // of: a pair and a prompt; behind these tokens one side writes on.
  async function written(of, ids, by, signal) {
    const all = await work.written({ ...question(of), ids, by }, name(by, of.pair), limits, signal);
    return { ids: all, told: `${name(by, of.pair)} wrote ${counted(all.length - ids.length, "token")}` };
  }
  async function read(of, answer, signal, steps, swapped = -1) {
    const found = await work.read({ ...question(of), ...answer }, signal);
    shown.push({ ...of, found, steps, swapped, tds: window.tdsLiveNumbers(found, of.pair) });
    show();
  }

  const load = () =>
    work.alone(async (signal) => {
      await engine.load({ comparison: pairs.chosen().key, say, signal });
      say("The models are loaded.");
      buttons();
    });
  const write = (by) =>
    work.alone(async (signal) => {
      const of = asked(),
        { ids, told } = await written(of, [], by, signal);
      await read(of, { ids }, signal, [told]);
    });
  const goOn = (by) =>
    work.alone(async (signal) => {
      const last = shown.at(-1),
        { ids, told } = await written(last, last.found.ids, by, signal);
      await read(last, { ids }, signal, [...last.steps, told]);
    });
  const score = () =>
    work.alone(async (signal) => {
      if (!text.value) throw new Error("write an answer first");
      await read(asked(), { answer: text.value }, signal, ["your text"]);
    });

  // At position t this token; then one side writes on, or the rest stays.
  function swap(t, id, next) {
    return work.alone(async (signal) => {
      const last = shown.at(-1),
        { ids: old } = last.found,
        { tokens } = last.tds;
      const put = [...old.slice(0, t), id];
      const told = id === old[t] ? `kept to position ${t}` : `${tokens[old[t]]} became ${tokens[id]} at position ${t}`;
      if (next === "keep") return read(last, { ids: [...put, ...old.slice(t + 1)] }, signal, [...last.steps, told], t);
      const on = await written(last, put, next, signal);
      const wrote = on.ids.length > put.length ? [on.told] : [];
      await read(last, { ids: on.ids }, signal, [...last.steps, told, ...wrote], t);
    });
  }

  function back() {
    shown.pop();
    prompt.value = shown.at(-1).prompt;
    pairs.choose(shown.at(-1).pair);
    show();
  }

  function show() {
    const { found, tds, steps, swapped } = shown.at(-1);
    element("live-result").hidden = before.hidden = false;
    draw(tds, swapped);
    tell("live-trail", steps.join(" → "));
    remember(new URLSearchParams(question(shown.at(-1))).toString());
    text.value = tds.raw.text;
    buttons();
    before.replaceChildren(before.firstElementChild, make("div", "tds-reads", ...["base", "aligned"].map(reading)));
    const on = tds.raw.ends
      ? []
      : ["aligned", "base"].map((by) => button("tds-button", `${tds.raw[by]} goes on`, () => goOn(by)));
    element("live-on").replaceChildren(...on, ...(shown.length > 1 ? [button("tds-button", "Back", back)] : []));
    const shifted = found.tokens.filter((at) => at.shift === "shifted").length;
    say(`${counted(found.tokens.length, "token")}, ${percent(shifted / found.tokens.length)} shifted.`);
  }
  function reading(by) {
    const { found, tds } = shown.at(-1),
      who = tds.raw[by];
    const read = make("pre", { tabIndex: 0, role: "group", ariaLabel: `What ${who} read` });
    read.append(make("code", "", found.readings[by]));
    return make("section", "tds-read", make("p", "", who, " ", make("small", "", by)), read);
  }

  function buttons() {
    const bytes = engine.waits?.(pairs.chosen().key),
      box = element("live-acts"),
      focused = box.contains(document.activeElement);
    const acts = bytes
      ? [button("tds-button", `Load the models: ${(bytes / 1e6).toFixed(1)} MB`, load)]
      : ["aligned", "base"].map((by) => button("tds-button", `Write as ${name(by)}`, () => write(by)));
    box.replaceChildren(...acts);
    if (focused) acts[0].focus(); // the button that had it is gone
  }
  for (const idea of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".tds-live__ideas button")))
    idea.addEventListener("click", () => {
      prompt.value = idea.textContent;
      prompt.focus();
    });
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) write("aligned");
  });
  element("live-form").addEventListener("submit", (event) => event.preventDefault());
  element("live-busy").querySelector("button").addEventListener("click", work.stop);
  element("live-edit").querySelector("button").addEventListener("click", score);
  begin();
});
