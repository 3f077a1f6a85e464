"""What a caller gives to compare, as the blocks of a report file: models, contexts, prompts, answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import InputError, one_line
from tds_atlas.inputs.adapters import ADAPTER_CONFIG
from tds_atlas.inputs.model_config import CONFIG

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    ModelGiven = str | Path | Mapping[str, Any] | tuple[PreTrainedModel, PreTrainedTokenizerBase]
    ContextGiven = str | Mapping[str, Any]
PromptGiven = str | Mapping[str, Any]
ROWS = "prompts.jsonl"
_HUB = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_PLAIN = "# Question:\n{prompt}\n\n# Answer:\n"  # for a model that was never taught a chat template


def model_block(name: str, given: ModelGiven, folder: Path) -> dict[str, Any]:
    """A model as a report file names it. One in memory is saved into the folder first."""
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, tuple):
        return _saved(name, given, folder / name)
    path = Path(given).expanduser()
    if path.is_dir():
        if (path / ADAPTER_CONFIG).is_file() and not (path / CONFIG).is_file() and name != "base":
            return {"adapts": "base", "adapter": {"path": str(path.resolve())}}
        return {"path": str(path.resolve())}
    if isinstance(given, str) and _HUB.fullmatch(given):
        hub, _, revision = given.partition("@")
        return {"hub": hub} | ({"revision": revision} if revision else {})
    raise InputError(f"{name}: no folder {given}, and no hub id such as org/name or org/name@revision")


def _saved(name: str, given: tuple[Any, Any], folder: Path) -> dict[str, Any]:
    """A copy of a model in memory. One of PEFT is saved as an adapter over the base."""
    model, tokenizer = given if len(given) == 2 else (None, None)
    if not hasattr(model, "save_pretrained") or not hasattr(tokenizer, "save_pretrained"):
        raise InputError(f"{name}: in memory it is a pair (model, tokenizer), both of transformers")
    try:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except (OSError, RuntimeError, ValueError) as error:  # of the disk, and of safetensors
        raise InputError(f"{name}: cannot be saved to {folder}: {one_line(error)}") from None
    if (folder / CONFIG).is_file():
        return {"path": str(folder)}
    if name == "base":
        raise InputError("base: is a model of PEFT; give the model that it adapts, model.get_base_model() before")
    return {"adapts": "base", "adapter": {"path": str(folder)}}


def context_block(name: str, given: ContextGiven) -> dict[str, Any]:
    """A context by its name, `chat` or `plain`, or as a report file has it."""
    known = {"chat": {"kind": "chat"}, "plain": {"kind": "plain", "template": _PLAIN}}
    if isinstance(given, Mapping):
        return dict(given)
    if given not in known:
        raise InputError(f"{name}: {given!r} is no context; give chat, plain, or a mapping such as {known['plain']}")
    return known[given]


def write_rows(prompts: Sequence[PromptGiven] | str | Path, answers: Sequence[str] | None, folder: Path) -> Path:
    """A file of the prompts, each with its answer if there are some; a file that is given is left where it is."""
    if isinstance(prompts, str | Path):
        path = Path(prompts).expanduser()
        if not path.is_file():
            raise InputError(f"prompts: no file {path}; give a list of texts, or a file of prompts")
        if answers is not None:
            raise InputError("answers: go with a list of prompts; name a file of both as prompts in a report file")
        return path.resolve()
    if isinstance(prompts, Mapping) or not all(isinstance(p, str | Mapping) for p in prompts):
        raise InputError("prompts: must be a list of texts, or of rows such as {'id': ..., 'prompt': ...}")
    rows = [{"id": str(i), "prompt": p} if isinstance(p, str) else dict(p) for i, p in enumerate(prompts, 1)]
    if not rows:
        raise InputError("prompts: empty; give at least one")
    if answers is not None:
        if len(answers) != len(rows):
            raise InputError(f"answers: {len(answers)} for {len(rows)} prompts; give one to each")
        rows = [row | {"answer": answer} for row, answer in zip(rows, answers, strict=True)]
    path = folder / ROWS
    try:
        text = "\n".join(json.dumps(row) for row in rows)
    except TypeError as error:
        raise InputError(f"prompts: a row is no JSON: {one_line(error)}; give texts, numbers, lists") from None
    path.write_text(text, encoding="utf-8")
    return path


def has_chat_template(folder: Path) -> bool:
    """Whether a tokenizer's folder has a chat template."""
    settings = folder / "tokenizer_config.json"
    if any(folder.glob("*chat_template*")):
        return True
    return settings.is_file() and '"chat_template"' in settings.read_text(encoding="utf-8", errors="replace")
