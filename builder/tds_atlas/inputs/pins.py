"""Revisions on the hub that may move (a branch, or none at all), and the commits that they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node

from tds_atlas.inputs.checkpoints import Checkpoint
from tds_atlas.inputs.settings import Source

Key = tuple[str, ...]  # of a block of the report file, from its top


def moving(checkpoints: Mapping[str, Checkpoint]) -> dict[Key, tuple[Source, str]]:
    """The blocks whose revision is no commit, each with its settings and the commit found for it."""
    found = {}
    for name, checkpoint in checkpoints.items():
        settings: Source = checkpoint.settings.adapter or checkpoint.settings
        commit = checkpoint.revision
        if settings.hub and commit and settings.revision != commit:
            found["models", name, *(("adapter",) if checkpoint.settings.adapter else ())] = settings, commit
    return found


def moving_lines(checkpoints: Mapping[str, Checkpoint]) -> Iterator[str]:
    """A line for a reader about each."""
    for key, (settings, commit) in moving(checkpoints).items():
        at = f"{settings.hub}, revision {settings.revision}," if settings.revision else f"{settings.hub}"
        yield f"{'.'.join(key)}: {at} is commit {commit} now; tds check --pin writes it into the report file"


def pinned(path: Path, commits: Mapping[Key, str]) -> str:
    """The text of the report file with these commits as revisions; nothing else in it changes."""
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, yaml.SafeLoader)
    edits = [_edit(_block(root, key), commit) for key, commit in commits.items()]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _block(root: Node | None, key: Key) -> dict[str, Node]:
    """The values of a block by their names."""
    node = root
    for name in key:
        assert isinstance(node, MappingNode)
        node = {k.value: value for k, value in node.value}[name]
    assert isinstance(node, MappingNode)
    return {k.value: value for k, value in node.value} | {"": node}


def _edit(block: Mapping[str, Node], commit: str) -> tuple[int, int, str]:
    """What of the text to replace, and by what: in quotes, since YAML reads digits without them as a number."""
    if "revision" in block:
        old = block["revision"]
        return old.start_mark.index, old.end_mark.index, f'"{commit}"'
    hub, whole = block["hub"], block[""]
    assert isinstance(whole, MappingNode)
    between = ", " if whole.flow_style else "\n" + " " * whole.start_mark.column
    return hub.end_mark.index, hub.end_mark.index, f'{between}revision: "{commit}"'
