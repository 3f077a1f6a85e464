"""How a model in a context reads any prompt and any answer, as plain data: for a program without transformers.

What such a program makes of it is compared with ours on a few texts, which are among the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tds_atlas.domain import InputError
from tds_atlas.measure.answers import Reader
from tds_atlas.measure.contexts import Frame
from tds_atlas.measure.decode import is_byte_level

_MARK = "\ue003"  # a private character: no template trims or escapes it
_TRIED = (
    "What?",
    " What? ",
    "\n\tWhat\n\n",
    "{{ x }} {% y %} {prompt} <b>&amp;</b>",
    "é 天 🙂 ٣ don't\u00a0\u0085\ufeff12,345",
)
_CLASSES = {r"\s": r"\p{White_Space}", r"\S": r"\P{White_Space}", r"\d": r"\p{Nd}", r"\D": r"\P{Nd}"}


class Unknown(Exception):
    """What of a context or tokenizer such a program does not know: the end of a sentence that names it."""


def reading_plan(reader: Reader, prompts: Sequence[str]) -> dict[str, Any]:
    """What stands before and behind a prompt, and how an answer's text is read. Raises Unknown.

    prompts: of the report; the template must treat them, and others with white space at their ends, all alike.
    """
    frame = reader.frame
    if frame.settings.kind == "verbatim":
        raise Unknown("reads each row's own input")
    if frame.settings.special_text != "text":
        raise Unknown("reads special tokens that stand in a prompt")
    before, found, after = frame.render(_MARK).partition(_MARK)
    tried = [*prompts, *_TRIED]
    trims = next(
        (t for t in (False, True) if found and all(_is_between(frame, before, x, after, t) for x in tried)), None
    )
    if trims is None:
        raise Unknown("changes a prompt's text")
    gap = frame.chat.gap(_MARK, before + _MARK + after) if frame.chat else ""
    return {
        "before": before,
        "after": after,
        "trims": trims,
        "gap": gap,
        "opens": bool(frame.chat),
        "marks": list(reader.marks.items()),
        "ends": list(reader.end_ids),
        "tried": [[prompt, list(frame.prompt_ids(prompt))] for prompt in (*prompts[:2], *_TRIED)],
    }


def _is_between(frame: Frame, before: str, prompt: str, after: str, trims: bool) -> bool:
    try:
        return frame.render(prompt) == before + (prompt.strip() if trims else prompt) + after
    except InputError:
        return False


def tokenizer_plan(frame: Frame) -> dict[str, Any]:
    """The tokenizer's own JSON, where special tokens have private names, and what these stand for. Raises Unknown."""
    tokenizer = json.loads(frame.special.apart.to_str())
    if tokenizer["model"]["type"] != "BPE" or not is_byte_level(frame.tokenizer) or tokenizer["normalizer"]:
        raise Unknown("has a tokenizer of another kind than byte-level BPE without a normaliser")
    if any(not token["special"] for token in tokenizer["added_tokens"]):
        raise Unknown("has a tokenizer with added tokens that are not special")
    tokenizer["post_processor"] = tokenizer["truncation"] = tokenizer["padding"] = None
    _for_javascript(tokenizer["pre_tokenizer"])
    return {
        "tokenizer": tokenizer,
        "special": list(frame.special.stand_ins.items()),
        "begin": frame.tokenizer.bos_token,
    }


def _for_javascript(node: Any) -> None:
    r"""Classes that mean less in JavaScript, where \d is ASCII alone, by names that mean the same in both."""
    if isinstance(node, dict) and isinstance(node.get("Regex"), str):
        for short, name in _CLASSES.items():
            node["Regex"] = node["Regex"].replace(short, name)
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _for_javascript(part)
