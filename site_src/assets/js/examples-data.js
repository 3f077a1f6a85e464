// The columns of window.tdsExamples (report/examples/pages.py: index_data) as functions of a row, and its summary
// numbers.
(() => {
  "use strict";
  const { number, percent, minus } = window.tdsDom;
  const { comparisons, tasks, topics, prompts, answers, rows: columns } = window.tdsExamples;
  const shifts = window.tdsShifted; // report/examples/shifted.py
  const count = columns.prompt.length;
  const haystacks = new Array(count);
  const tokens = (i) => answers.tokens[columns.answer[i]];
  const share = (key) => (i) => columns[key][i] / tokens(i);
  const shifted = (i) => 1 - share("unshifted")(i) - share("marginal")(i);
  /**
   * `absent`: what null stands for, and its sign.
   * @param {string} key
   * @param {number | null} absent
   */
  const thousandths = (key, absent = null, sign = "–") => ({
    value: (i) => columns[key][i] ?? absent,
    show: (i) => (columns[key][i] === null ? sign : minus((columns[key][i] / 1000).toFixed(3))),
    unit: 1000,
    step: 0.1,
  });
  // Beyond JSON's numbers: an infinite mean, or (where lists bound it only) none.
  const unknown = (i) => columns.kl[i] === "unknown";
  const infinite = thousandths("kl", Infinity, "∞");
  const divergence = {
    ...infinite,
    value: (i) => (unknown(i) ? null : infinite.value(i)),
    show: (i) => (unknown(i) ? "–" : infinite.show(i)),
  };
  const whole = (value) => ({ value, show: (i) => (value(i) === null ? "–" : number(value(i))), unit: 1, step: 1 });

  window.tdsRows = {
    rows: Array.from({ length: count }, (_, i) => i),
    comparisons,
    taskNames: tasks,
    topicNames: topics,
    sampleNames: (answers.names ?? []).filter(Boolean).sort(new Intl.Collator("en", { numeric: true }).compare),
    segmentNames: answers.segments ?? [],
    roleNames: shifts.roles,
    finishes: ["stop", "length", "unknown"],
    names: {
      comparison: (i) => columns.comparison[i],
      id: (i) => comparisons[columns.comparison[i]][0],
      label: (i) => comparisons[columns.comparison[i]][1],
      prompt: (i) => prompts.text[columns.prompt[i]],
      file: (i) => answers.page?.[columns.answer[i]] ?? `${prompts.ordinal[columns.prompt[i]]}`,
      answer: (i) => answers.names?.[answers.name[columns.answer[i]]],
      roles: (i) => shifts.role[i],
      // A digit of base 32 has five positions.
      shiftedAt: (i, position) =>
        ((Number.parseInt(shifts.at[i][Math.floor(position / 5)] ?? "0", 32) >> (position % 5)) & 1) === 1,
      parts: (i) => answers.parts?.[columns.answer[i]] ?? [],
      harmful: (i) => prompts.harmful[columns.prompt[i]],
      page: (i) => prompts.page[columns.prompt[i]] === 1,
      tasks: (i) => prompts.tasks[columns.prompt[i]],
      topics: (i) => prompts.topics[columns.prompt[i]],
      finish: (i) => answers.finish[columns.answer[i]],
      shares: (i) => ({
        unshifted: share("unshifted")(i),
        marginal: share("marginal")(i),
        shifted: Math.max(0, shifted(i)),
      }),
    },
    // `unit`: how many of the column's units are one of what a reader types; `step`: of the field for it.
    numbers: {
      shifted: {
        name: "Shifted share, %",
        short: "Shifted",
        value: shifted,
        show: (i) => percent(Math.max(0, shifted(i))),
        unit: 0.01,
        step: 5,
      },
      marginal: {
        name: "Marginal share, %",
        short: "Marginal",
        value: share("marginal"),
        show: (i) => percent(share("marginal")(i)),
        unit: 0.01,
        step: 5,
      },
      tokens: { name: "Tokens", short: "Tokens", ...whole(tokens) },
      ...(prompts.turns && {
        turns: {
          name: "Turns before the answer",
          short: "Turns",
          ...whole((i) => prompts.turns[columns.prompt[i]]),
        },
      }),
      kl: { name: "Mean KL(aligned‖base), nats", short: "Mean KL", ...divergence },
      delta: { name: "Mean Δ log p, nats", short: "Mean Δ\u00a0log\u00a0p", ...thousandths("delta") },
      first: { name: "First shifted position", short: "First at", ...whole((i) => columns.first[i]) },
      rank: { name: "Largest base rank", short: "Max rank", ...whole((i) => columns.rank[i]) },
    },
    text: (i) =>
      (haystacks[i] ??= `${prompts.text[columns.prompt[i]]}\n${answers.text[columns.answer[i]]}`.toLowerCase()),
  };
})();
