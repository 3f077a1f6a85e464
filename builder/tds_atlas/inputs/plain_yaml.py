"""A YAML file as plain values: mappings, lists, text, numbers, true and false. What else YAML knows is one line.

Dates are text; a tag, a key given twice and an anchor that grows without end are errors that name their line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from tds_atlas.domain import InputError, one_line, text_fault
from tds_atlas.inputs.texts import read_text

_VALUES = 100_000  # of a file, each repetition of an anchor counted
_DEPTH = 100  # of brackets
_TAG = "tag:yaml.org,2002:"
_PLAIN = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "seq", "map", "merge"))
_DATES = (_TAG + "timestamp", _TAG + "value")  # of scalars without quotes: text here


class _Loader(yaml.SafeLoader):
    """Dates, and a lone =, stay text. Deep brackets, which take PyYAML minutes, are an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _DATES]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def fetch_flow_collection_start(self, kind: Any) -> None:
        if self.flow_level > _DEPTH:
            raise RecursionError
        super().fetch_flow_collection_start(kind)


def read_yaml(path: Path) -> Any:
    """The value of a YAML file. Raises InputError: one line that names the file and, where known, the line."""
    text = read_text(path)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(path, loader, node, {})
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise InputError(f"{place}: not valid YAML: {getattr(error, 'problem', None) or one_line(error)}") from None
    except RecursionError:
        raise InputError(f"{path}: not valid YAML: brackets too deep") from None


def _check(path: Path, loader: _Loader, node: Node, sizes: dict[int, int]) -> int:
    """How many values a node holds, repetitions of anchors included. Raises InputError for what is not plain."""
    if id(node) in sizes:
        if not sizes[id(node)]:
            raise _error(path, node, "an anchor within itself; write the values out")
        return sizes[id(node)]
    sizes[id(node)] = 0  # until it is known
    if node.tag not in _PLAIN:
        name = node.tag.removeprefix(_TAG)
        raise _error(path, node, f"the tag {name[:80]!r} is not read here; write the value alone, or text in quotes")
    if isinstance(node, ScalarNode):
        _check_scalar(path, loader, node)
        size = 1
    elif isinstance(node, MappingNode):
        _check_keys(path, node)
        size = 1 + sum(_check(path, loader, part, sizes) for pair in node.value for part in pair)
    else:
        size = 1 + sum(_check(path, loader, part, sizes) for part in node.value)
    if size > _VALUES:
        raise _error(path, node, f"more than {_VALUES:,} values, repeated anchors included")
    sizes[id(node)] = size
    return size


def _check_keys(path: Path, node: MappingNode) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        name = (key.tag, key.value) if isinstance(key, ScalarNode) else ("", f"{key.start_mark.index}")
        if name in lines:
            raise _error(path, key, f"the key {key.value[:80]!r} is given twice, first in line {lines[name]}")
        lines[name] = key.start_mark.line + 1


def _check_scalar(path: Path, loader: _Loader, node: ScalarNode) -> None:
    fault = text_fault(node.value)
    if fault:
        raise _error(path, node, fault)
    if node.tag != _TAG + "merge":
        try:
            loader.construct_object(node)
        except (ValueError, LookupError):  # a number of thousands of digits; !!int with letters
            shown = node.value if len(node.value) < 40 else f"{node.value[:40]}..."
            raise _error(path, node, f"{shown!r} is not a number that can be read; write text in quotes") from None


def _error(path: Path, node: Node, problem: str) -> InputError:
    return InputError(f"{path}:{node.start_mark.line + 1}: {problem}")
