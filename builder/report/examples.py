"""The example pages: for each comparison and response a Markdown stub and a script with its positions; and their index.

The stub holds prompt and answer as inert text, for search, print and readers without JavaScript; the page's script
draws the tokens from the data beside it. Exported comparison by comparison, a bulk query each.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment

from builder.report import query
from builder.report.markup import inert, inline_json, title
from builder.report.tokens import visible

Row = dict[str, Any]


def write_examples(con: duckdb.DuckDBPyConnection, templates: Environment, folder: Path) -> Iterator[str]:
    """Write the pages; yields the name of each, so that a caller can show progress."""
    examples = query.rows(con, "pages/examples")
    labels = {c["comparison_id"]: c for c in query.rows(con, "pages/comparisons")}
    by_prompt = _by_prompt(examples)
    stub = templates.get_template("example.md")
    for comparison_id, group in groupby(examples, key=lambda e: e["comparison_id"]):
        mine = list(group)
        target = folder / comparison_id
        target.mkdir(parents=True)
        tokens = _tokens(con, comparison_id)
        positions = _positions(con, comparison_id)
        for i, example in enumerate(mine):
            data = _data(labels[comparison_id], example, positions[example["response_id"]], tokens)
            name = str(example["ordinal"])
            (target / f"{name}.js").write_text(f"window.tdsExample={inline_json(data)};\n", encoding="utf-8")
            near = {"previous": mine[i - 1] if i else None, "next": mine[i + 1] if i + 1 < len(mine) else None}
            others = [e for e in by_prompt[example["prompt_id"]] if e["comparison_id"] != comparison_id]
            text = stub.render(example=example, title=page_title(example), inert=inert, others=others, **near)
            (target / f"{name}.md").write_text(text, encoding="utf-8")
            yield name


def index_data(examples: list[Row]) -> dict[str, Any]:
    """What the examples table shows, as lists: one row a page."""
    return {
        "rows": [
            [
                e["comparison_id"],
                e["ordinal"],
                title(e["prompt"], 160),
                e["tasks"],
                e["topics"],
                e["harmful"],
                e["n_tokens"],
                e["finish"],
                round(e["unshifted_share"], 4),
                round(e["marginal_share"], 4),
                round(e["shifted_share"], 4),
                round(e["mean_kl_aligned_base_nats"], 4),
                title(e["answer"], 240),
            ]
            for e in examples
        ],
        "comparisons": {e["comparison_id"]: e["label"] for e in examples},
    }


def page_title(example: Row) -> str:
    return f"{title(example['prompt'])} · {title(example['label'])}"


def _by_prompt(examples: list[Row]) -> dict[str, list[Row]]:
    table: dict[str, list[Row]] = {}
    for example in examples:
        table.setdefault(example["prompt_id"], []).append(example)
    return table


def _tokens(con: duckdb.DuckDBPyConnection, comparison_id: str) -> dict[int, str | None]:
    return {row["token_id"]: row["text"] for row in query.rows(con, "pages/tokens", comparison_id=comparison_id)}


def _positions(con: duckdb.DuckDBPyConnection, comparison_id: str) -> dict[str, list[Row]]:
    rows = query.rows(con, "pages/positions", comparison_id=comparison_id)
    return {key: list(group) for key, group in groupby(rows, key=lambda row: row["response_id"])}


def _data(comparison: Row, example: Row, positions: list[Row], tokens: dict[int, str | None]) -> dict[str, Any]:
    """Everything the page's script needs; see assets/js/example.js for the order of a position's numbers."""
    used = {i for p in positions for i in (p["token_id"], *p["base_ids"], *p["aligned_ids"])}
    return {
        "id": f"{example['comparison_id']}/{example['ordinal']}",
        "text": example["answer"],
        "base": comparison["base_condition_id"],
        "aligned": comparison["aligned_condition_id"],
        "response": example["response_id"],
        "comparison": example["comparison_id"],
        "tokens": {i: visible(tokens.get(i)) for i in sorted(used)},
        "positions": [
            [
                p["token_id"],
                p["char_start"],
                p["char_end"],
                int(p["is_end"]),
                p["base_rank"],
                p["aligned_rank"],
                *(
                    _short(p[key])
                    for key in (
                        "base_logprob",
                        "aligned_logprob",
                        "base_entropy",
                        "aligned_entropy",
                        "kl_aligned_base",
                        "kl_base_aligned",
                        "js",
                    )
                ),
                p["base_ids"],
                [_short(x) for x in p["base_logprobs"]],
                p["aligned_ids"],
                [_short(x) for x in p["aligned_logprobs"]],
            ]
            for p in positions
        ],
    }


def _short(value: float | None) -> float | None:
    """Four digits after the point: finer is float32's noise. NULL (no such token in the model) stays."""
    return None if value is None else round(value, 4)
