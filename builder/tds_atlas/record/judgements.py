"""What became of the texts of a probe: whether they state the fact, refuse, keep the style."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tds_atlas.inputs.roles import Roles, states

_EARLIER = {"writer": "base", "threshold": None, "sample": None}  # what rows of earlier versions do not say
_REVERSE = {"writer": "aligned", "method": "divergence"}  # and what their method "reverse" means


def with_writer(row: dict[str, Any]) -> dict[str, Any]:
    """A row of swaps that says who wrote the text, as all rows then do."""
    return _EARLIER | row | (_REVERSE if row.get("method") == "reverse" else {})


def judged(
    table: str, rows: Sequence[dict[str, Any]], roles: Roles, truths: Mapping[str, tuple[str, ...]]
) -> Iterator[dict[str, Any]]:
    """The rows of a probe with its texts judged by the report's roles and truths."""
    refusals = {row.get("prompt_id") for row in rows if row.get("k") == 0 and roles.refuses(row["said"])}
    for row in rows:
        if table == "swap":
            row = with_writer(row)
        if table in ("swap", "amplified"):
            is_right, style_share = states(row["text"], truths[row["prompt_id"]]), roles.style_share(row["text"])
            row |= {"is_right": is_right, "refuses": roles.refuses(row["text"]), "style_share": style_share}
        elif table == "recovery":
            row |= {"refuses": roles.refuses(row["said"])}
        elif table == "prefill":
            row |= {"refuses": roles.refuses(row["said"])}
            if row["prompt_id"] not in refusals:  # no refusal, so no opening of one
                row |= dict.fromkeys(("opening", "opening_logprob", "base_opening_logprob", "opening_likeliest"))
        yield row
