"""The models of a report as a folder of plain files, from which the page Try it runs them in its reader's browser.

Written beside build/docs only where the report file says so (site: publish_models), since it publishes the weights.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import Comparison, Condition, InputError
from tds_atlas.hashes import hash_files
from tds_atlas.inputs.outputs import MODELS
from tds_atlas.live.asked import ANSWER_TOKENS, NEW_TOKENS, PROMPT_CHARACTERS
from tds_atlas.live.model_files import ModelFiles, model_files
from tds_atlas.live.pairs import pairs_of
from tds_atlas.parts import discard, new_part, write_file
from tds_atlas.pipeline.ask import token_texts
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import lazy_models, side_of
from tds_atlas.record.shards import content_key
from tds_atlas.record.store import stored_content
from tds_atlas.report.models import LIST
from tds_atlas.terminal import say

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

_PROMPTS = 40  # of the report, on which a context is tried
_LIMITS = {"prompt_characters": PROMPT_CHARACTERS, "answer_tokens": ANSWER_TOKENS, "new_tokens": NEW_TOKENS}
_CODE = [path for folder in ("live", "measure") for path in sorted((Path(__file__).parents[1] / folder).glob("*.py"))]


def write_models(plan: Plan, folder: Path = MODELS) -> None:
    """The folder for this report, once its database is stored; no folder where it publishes nothing."""
    content = stored_content(plan.report.output.database)
    most, known = plan.report.site.publish_models, folder / LIST
    if os.path.lexists(folder) and not known.is_file():
        raise InputError(f"{folder}: not written by tds, which would replace it; move it away")
    if most is None:
        discard(folder)
        return
    key = hash_files(_CODE)
    if known.is_file():
        listed = json.loads(known.read_text(encoding="utf-8"))
        if [listed.get("of"), listed.get("by")] == [content, key]:
            return
    part = new_part(folder)
    part.mkdir(parents=True)
    try:
        listed = {"of": content, "by": key, **_written(plan, most, part)}
        write_file(part / LIST, json.dumps(listed, ensure_ascii=False))
        discard(folder)
        part.rename(folder)
    finally:
        discard(part)


def _written(plan: Plan, most: int, folder: Path) -> dict[str, Any]:
    """What the list says, once the other files are written. `why`: a sentence where there is nothing to run."""
    models = lazy_models(plan)()
    try:
        pairs = pairs_of(plan, models)
    except InputError as error:
        return _nothing(str(error))
    found = _Found(plan, models)
    kept = {key: c for key, c in pairs.by_key.items() if found.has(c)}
    lines = dict.fromkeys([*(f"Not here: {line}." for line in pairs.left_out), *found.left_out()])
    size = sum(files.size for files in found.used(kept.values()))
    if not kept:
        return _nothing(" ".join(lines))
    if size > most * 1e6:
        return _nothing(f"The models' weights take {size / 1e6:,.0f} MB, and site: publish_models is {most}.")
    for files in found.used(kept.values()):
        files.write(folder)
    return {"comparisons": _named(kept), "left_out": list(lines), "limits": _LIMITS, **found.as_json(kept, folder)}


def _nothing(why: str) -> dict[str, Any]:
    say(f"site: publish_models: the page Try it runs in no browser: {why}")
    return {"comparisons": [], "why": why}


def _named(comparisons: dict[str, Comparison]) -> list[dict[str, Any]]:
    def side(condition: Condition) -> dict[str, str]:
        return {"name": condition.model_id, "context": condition.context_id}

    return [{"key": key, "base": side(c.base), "aligned": side(c.aligned)} for key, c in comparisons.items()]


@dataclass
class _Found:
    """What is known of each model and condition: its data, or the end of a sentence why it does not run there."""

    plan: Plan
    models: Models
    files: dict[str, ModelFiles | str] = field(default_factory=dict)
    tokenizers: dict[str, dict[str, Any] | str] = field(default_factory=dict)  # by model
    conditions: dict[Condition, dict[str, Any] | str] = field(default_factory=dict)

    def has(self, comparison: Comparison) -> bool:
        """Whether both sides run there, in the same tokens."""
        both = [
            (c.model_id, self._model(c.model_id), self._condition(c)) for c in (comparison.base, comparison.aligned)
        ]
        if any(isinstance(found, str) for _, *founds in both for found in founds):
            return False
        (base, *_), (aligned, *_) = both
        sizes = {files.shape.words for _, files, _ in both if isinstance(files, ModelFiles)}
        return len(sizes) == 1 and self.tokenizers[base] == self.tokenizers[aligned]

    def used(self, comparisons: Any) -> list[ModelFiles]:
        names = dict.fromkeys(side.model_id for c in comparisons for side in (c.base, c.aligned))
        return [files for files in map(self.files.__getitem__, names) if isinstance(files, ModelFiles)]

    def left_out(self) -> Iterator[str]:
        """A sentence for each model and context that does not run there."""
        yield from (f"Not here: model {name} {why}." for name, why in self.files.items() if isinstance(why, str))
        for condition, why in self.conditions.items():
            if isinstance(why, str) and not isinstance(self.files[condition.model_id], str):
                yield f"Not here: {condition.condition_id} {why}."

    def as_json(self, comparisons: dict[str, Comparison], folder: Path) -> dict[str, Any]:
        """Models and conditions by their names; tokenizers are written, each once."""
        sides = dict.fromkeys(side for c in comparisons.values() for side in (c.base, c.aligned))
        models = {}
        for name in dict.fromkeys(side.model_id for side in sides):
            text = json.dumps(self.tokenizers[name], ensure_ascii=False)
            file = f"tokenizer-{content_key(text)[:8]}.json"
            write_file(folder / file, text)
            files = self.files[name]
            assert isinstance(files, ModelFiles)
            models[name] = files.as_json() | {"tokenizer": file}
        return {"models": models, "conditions": {f"{c.model_id}·{c.context_id}": self.conditions[c] for c in sides}}

    def _model(self, name: str) -> ModelFiles | str:
        if name not in self.files:
            self.files[name] = model_files(self.plan.checkpoints[name], str(len(self.files)))
        return self.files[name]

    def _condition(self, condition: Condition) -> dict[str, Any] | str:
        from tds_atlas.measure.reading_plan import Unknown

        if condition not in self.conditions:
            try:
                self.conditions[condition] = self._reading(condition)
            except Unknown as unknown:
                self.conditions[condition] = str(unknown)
        return self.conditions[condition]

    def _reading(self, condition: Condition) -> dict[str, Any]:
        from tds_atlas.measure.answers import Reader
        from tds_atlas.measure.end_tokens import end_ids_of
        from tds_atlas.measure.reading_plan import reading_plan, tokenizer_plan

        frame = side_of(self.plan, self.models, condition).frame
        checkpoint = self.plan.checkpoints[condition.model_id]
        if condition.model_id not in self.tokenizers:
            names = token_texts(frame.tokenizer)
            plan = tokenizer_plan(frame)
            self.tokenizers[condition.model_id] = plan | {"names": [names.get(i, "?") for i in range(max(names) + 1)]}
        reader = Reader(frame, end_ids_of(checkpoint, frame.tokenizer))
        texts = [prompt.text for prompt in self.plan.prompts.values() if not prompt.turns]
        return reading_plan(reader, texts[:_PROMPTS])
