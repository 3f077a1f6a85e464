"""The house in words, from the code: the table of floors and the tree. `python -m tests.house` writes them into the docs."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "builder" / "tds_atlas"
_COLUMN = 29  # of the tree's remarks
_REMARK = 88  # characters of a remark
_ONE_LINE = {  # folders with one line for all their files
    "figures": "a module a page: one function a figure, of its query's name",
    "sql": "figures/: a query a figure; pages/: those of the pages; cookbook/: questions with live answers",
    "templates": "the skeletons of example pages, cards and figures",
    "pages": "the pages of a comparison site: Markdown with Jinja for numbers",
    "project_template": "what `tds init` writes",
}


@dataclass(frozen=True)
class Floor:
    """Modules that may import one another and everything below."""

    name: str
    rooms: tuple[str, ...]
    holds: str
    never: frozenset[str]


def floors() -> list[Floor]:
    """Lowest first."""
    rows = tomllib.loads((PACKAGE / "floors.toml").read_text(encoding="utf-8"))["floor"]
    return [Floor(row["name"], tuple(row["rooms"]), row["holds"], frozenset(row["never"])) for row in rows]


def floors_table() -> str:
    """The floors as a Markdown table, lowest first."""
    lines = ["| floor | where | what it holds | what it never imports |", "|---|---|---|---|"]
    for i, floor in enumerate(floors()):
        where = ", ".join(f"`{_path(room).name}{'/' if _path(room).is_dir() else ''}`" for room in floor.rooms)
        lines.append(f"| {i} | {where} | {floor.holds} | {', '.join(sorted(floor.never))} |")
    return "\n".join(lines)


def tree() -> str:
    """The package as an indented list, lowest floor first, each module with the first sentence of its docstring."""
    lines = ["builder/tds_atlas/", _line(1, "floors.toml", "what each floor holds and may import")]
    for floor in floors():
        for room in floor.rooms:
            path = _path(room)
            lines += _folder(path, 1, floor.holds) if path.is_dir() else [_line(1, path.name, _remark(path))]
    return "\n".join(lines)


def _folder(path: Path, depth: int, remark: str) -> Iterator[str]:
    yield _line(depth, f"{path.name}/", _ONE_LINE.get(path.name, remark))
    if path.name in _ONE_LINE:
        return
    for file in sorted(path.iterdir(), key=lambda p: (p.is_dir(), p.name)):
        if file.is_dir() and file.name != "__pycache__":
            yield from _folder(
                file, depth + 1, _remark(file / "__init__.py") if (file / "__init__.py").exists() else ""
            )
        elif file.suffix in (".py", ".sql", ".yml") and file.name != "__init__.py":
            yield _line(depth + 1, file.name, _remark(file))


def _line(depth: int, name: str, remark: str) -> str:
    return f"{'  ' * depth + name:<{_COLUMN}} {remark}".rstrip()


def _remark(path: Path) -> str:
    """The first sentence of a module's docstring, or a query's or settings file's leading comment."""
    text = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text)) if path.suffix == ".py" else text.splitlines()[0].lstrip("-# ")
    sentence = re.split(r"\.(?:\s|$)", " ".join((said or "").split()))[0]
    while len(sentence) > _REMARK and re.search(r"[,:;] ", sentence):
        sentence = re.split(r"[,:;] (?!.*[,:;] )", sentence)[0]
    first = sentence.split(" ")[0]
    return sentence[:1].lower() + sentence[1:] if first[1:] == first[1:].lower() else sentence


def _path(room: str) -> Path:
    return PACKAGE / room if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"


def filled(text: str, name: str, block: str) -> str:
    """A document with the block between its two marks of that name."""
    return re.sub(
        rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m: f"{m[1]}{block}\n{m[2]}", text, flags=re.DOTALL
    )


DOCUMENTS = {
    "ARCHITECTURE.md": ("floors", floors_table),
    "README.md": ("tree", lambda: f"```text\n{tree()}\n```"),
}


def main() -> None:
    """Write the blocks into the documents."""
    for name, (mark, block) in DOCUMENTS.items():
        path = ROOT / name
        path.write_text(filled(path.read_text(encoding="utf-8"), mark, block()), encoding="utf-8")


if __name__ == "__main__":
    main()
