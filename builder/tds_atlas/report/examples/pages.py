"""The example pages: a Markdown stub and data scripts for each comparison and response; and their index.

The stub holds prompt and answer as inert text, for search, print and readers without JavaScript; the page's scripts
draw the tokens from the data beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import duckdb

from tds_atlas.parts import write_file
from tds_atlas.report import query
from tds_atlas.report.examples.data import Answers, Vocabulary, page_data
from tds_atlas.report.examples.likelihood_pages import write_likelihood_pages
from tds_atlas.report.examples.stretch_pages import write_stretch_pages
from tds_atlas.report.examples.turns import Shown, conversations
from tds_atlas.report.markup import inert, inline_json, title
from tds_atlas.report.pages import environment
from tds_atlas.terminal import track

Row = dict[str, Any]
_AT_ONCE = 400  # answers in memory, times the conditions that score each
FINISHES = ("stop", "length", "unknown")
_ANSWER = "answer"  # among the segments: the part that every answer has


def paged_prompts(con: duckdb.DuckDBPyConnection) -> frozenset[int]:
    """The ordinals of the prompts whose answers get pages: as many as the report's site.example_pages allows."""
    limit = {row["key"]: row["value"] for row in query.rows(con, "pages/run")}.get("example_pages")
    prompts = query.rows(con, "pages/paged_prompts")
    totals = accumulate(row["pages"] for row in prompts)
    return frozenset(
        row["ordinal"]
        for i, (row, total) in enumerate(zip(prompts, totals, strict=True))
        if i == 0 or limit is None or total <= int(limit)
    )


def write_example_pages(database: Path, folder: Path, examples: Sequence[Row], paged: Container[int]) -> None:
    """The pages of the examples that have one, and the table of all. The folder is there."""
    index = inline_json(index_data(examples, paged))
    write_file(folder / "index.js", f"window.tdsExamples={index};\n")
    shown = [e for e in examples if e["ordinal"] in paged]
    with closing(query.connect(database, config=query.FRUGAL)) as con:
        for _ in track(write_examples(con, folder, shown), "example pages", len(shown), "pages"):
            pass
        retold = query.rows(con, "pages/retold_examples")
        if retold:
            for _ in track(write_stretch_pages(con, folder, retold), "pages of two tokenizers", len(retold), "pages"):
                pass
        alone = query.rows(con, "pages/likelihood_examples")
        if alone:
            for _ in track(write_likelihood_pages(con, folder, alone), "pages without classes", len(alone), "pages"):
                pass


def write_examples(con: duckdb.DuckDBPyConnection, folder: Path, examples: Sequence[Row]) -> Iterator[str]:
    """Write the pages. Yields the name of each, so that a caller can show progress."""
    comparisons = {c["comparison_id"]: c for c in query.rows(con, "pages/comparisons")}
    conditions = {c["condition_id"]: c for c in query.rows(con, "pages/conditions")}
    runs = {key: [[row["step"], row["condition_id"]] for row in steps] for key, steps in _runs(con)}
    by_prompt, at_once, shown = _by_prompt(examples), max(1, _AT_ONCE // len(conditions)), Shown()
    stub = environment().get_template("example.md")
    for comparison_id, group in groupby(examples, key=lambda e: e["comparison_id"]):
        mine = list(group)
        target = folder / comparison_id
        target.mkdir(parents=True)
        _write_script(target / "before.js", "tdsBefore", _shared(comparisons[comparison_id], conditions))
        vocabulary = Vocabulary(con, comparison_id)
        for i, example in enumerate(mine):
            if i % at_once == 0:
                part = mine[i : i + at_once]
                answers = Answers(con, comparison_id, [e["response_id"] for e in part])
                turns = conversations(con, [e["prompt_id"] for e in part])
            name = example["page"]
            own, more = page_data(comparisons[comparison_id], example, answers, vocabulary)
            run = runs.get(comparison_id, [])
            _write_script(target / f"{name}.js", "tdsExample", own | ({"run": run} if run else {}))
            if more["said"]:
                _write_script(target / f"{name}.more.js", "tdsExampleMore", more)
            near: Row = {"previous": mine[i - 1] if i else None, "next": mine[i + 1] if i + 1 < len(mine) else None}
            same = by_prompt[example["prompt_id"]]
            others = _counterparts(example, same)
            near |= {"after": _after(example, others), "answers": _answers(example, same)}
            near |= shown.around(example, turns.get(example["prompt_id"], []))
            text = stub.render(example=example, title=page_title(example), inert=inert, others=others, run=run, **near)
            write_file(target / f"{name}.md", text)
            yield name


def index_data(examples: Sequence[Row], paged: Container[int]) -> Row:
    """The data of the examples table, column by column; what several pages share (prompt, answer) is stored once.

    paged: the ordinals of the prompts whose answers have pages.
    """
    prompts = list({e["prompt_id"]: e for e in examples}.values())
    answers = list({e["response_id"]: e for e in examples}.values())
    at_prompt = {e["prompt_id"]: i for i, e in enumerate(prompts)}
    at_answer = {e["response_id"]: i for i, e in enumerate(answers)}
    labels = {e["comparison_id"]: e["label"] for e in examples}
    names = list(labels)
    tags = {kind: sorted({tag for e in prompts for tag in e[kind]}) for kind in ("tasks", "topics")}

    def column(value: Callable[[Row], Any]) -> list[Any]:
        return [value(e) for e in examples]

    return {
        "comparisons": [[c, label] for c, label in labels.items()],
        **tags,
        "prompts": {
            "ordinal": [e["ordinal"] for e in prompts],
            "page": [int(e["ordinal"] in paged) for e in prompts],
            "text": [title(e["prompt"], 160) for e in prompts],
            **({"turns": [e["turns"] for e in prompts]} if any(e["turns"] > 1 for e in prompts) else {}),
            "harmful": [None if e["harmful"] is None else int(e["harmful"]) for e in prompts],
            **{kind: [[tags[kind].index(tag) for tag in e[kind]] for e in prompts] for kind in tags},
        },
        "answers": {
            "text": [title(e["answer"], 240) for e in answers],
            "finish": [FINISHES.index(e["finish"]) for e in answers],
            "tokens": [e["n_tokens"] for e in answers],
            **(_several(answers) if any(e["answers"] > 1 for e in answers) else {}),
            **_parts(answers),
        },
        "rows": {
            "comparison": column(lambda e: names.index(e["comparison_id"])),
            "prompt": column(lambda e: at_prompt[e["prompt_id"]]),
            "answer": column(lambda e: at_answer[e["response_id"]]),
            "unshifted": column(lambda e: round(e["unshifted_share"] * e["n_tokens"])),
            "marginal": column(lambda e: round(e["marginal_share"] * e["n_tokens"])),
            "kl": column(_mean_kl),
            "delta": column(lambda e: _thousandths(e["mean_delta_logprob_nats"])),
            "first": column(lambda e: e["first_shifted_pos"]),
            "rank": column(lambda e: e["max_base_rank"]),
        },
    }


def _several(answers: Sequence[Row]) -> Row:
    """The pages of answers, and what each is called where its prompt has several."""
    names = [answer_name(e) if e["answers"] > 1 else "" for e in answers]
    known = list(dict.fromkeys(names))
    return {"page": [e["page"] for e in answers], "names": known, "name": [known.index(name) for name in names]}


def _parts(answers: Sequence[Row]) -> Row:
    """Which parts each answer has besides the answer itself, if any answer has some."""
    kinds = sorted({part for e in answers for part in e["segments"]} - {_ANSWER})
    own = [[kinds.index(part) for part in e["segments"] if part != _ANSWER] for e in answers]
    return {"segments": kinds, "parts": own} if kinds else {}


def answer_name(example: Row) -> str:
    """Which of the answers to its prompt it is."""
    return title(example["sample"]) if example["sample"] else str(example["number"])


def page_title(example: Row) -> str:
    which = f" · answer {answer_name(example)}" if example["answers"] > 1 else ""
    return f"{title(example['prompt'])} · {title(example['label'])}{which}"


def _shared(comparison: Row, conditions: Mapping[str, Row]) -> Row:
    """What the two conditions of a comparison read before and behind the own part of every prompt."""
    pair = (comparison["base_condition_id"], comparison["aligned_condition_id"])
    return {name: [conditions[name]["opening"], conditions[name]["closing"]] for name in pair}


def _write_script(path: Path, name: str, data: Row) -> None:
    write_file(path, f"window.{name}={inline_json(data)};\n")


def _runs(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Iterator[Row]]]:
    """The steps of its training run for each comparison that is one, on the answers that all steps share."""
    yield from groupby(query.rows(con, "pages/series_steps"), key=lambda row: str(row["comparison_id"]))


def _by_prompt(examples: Sequence[Row]) -> dict[str, list[Row]]:
    table: dict[str, list[Row]] = {}
    for example in examples:
        table.setdefault(example["prompt_id"], []).append(example)
    return table


def _counterparts(example: Row, same: Sequence[Row]) -> list[Row]:
    """For each other comparison the page of the same answer, else of the answer of the same name, else the first."""
    rank: dict[str, tuple[bool, bool, Row]] = {}
    for e in same:
        if e["comparison_id"] != example["comparison_id"]:
            key = (e["response_id"] == example["response_id"], e["sample"] == example["sample"])
            if e["comparison_id"] not in rank or key > rank[e["comparison_id"]][:2]:
                rank[e["comparison_id"]] = (*key, e)
    return [e for _, _, e in rank.values()]


def _answers(example: Row, same: Sequence[Row]) -> list[Row]:
    """The answers to the prompt in the same comparison, with their names; none if there is only this one."""
    mine = [e for e in same if e["comparison_id"] == example["comparison_id"]]
    return [e | {"name": answer_name(e)} for e in mine] if len(mine) > 1 else []


def _after(example: Row, others: Sequence[Row]) -> str | None:
    """The comparison that a reader goes round to: the next one over the same answer, else over the same prompt."""
    same = [e for e in others if e["response_id"] == example["response_id"]] or others
    later = [e for e in same if e["comparison_ordinal"] > example["comparison_ordinal"]] or same
    return min(later, key=lambda e: e["comparison_ordinal"])["comparison_id"] if later else None


def _mean_kl(example: Row) -> int | str | None:
    """In thousandths; a word where lists bound it only, None where it is infinite."""
    mean = example["mean_kl_aligned_base_nats"]
    return "unknown" if mean is None else _thousandths(mean)


def _thousandths(value: float | None) -> int | None:
    """None for an infinite value, too: JSON has no number for it."""
    return None if value is None or math.isinf(value) else round(1000 * value)
