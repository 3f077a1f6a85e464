"""The layout of the SQL files: sqlfmt's, taught DuckDB's own signs, keywords in capitals. `--check` only complains.

A file of queries is laid out whole; of a file of definitions the body of each view, the rest stays as it was written.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path

import duckdb
from sqlfmt import actions
from sqlfmt.analyzer import Analyzer
from sqlfmt.dialect import ClickHouse
from sqlfmt.exception import SqlfmtError
from sqlfmt.mode import Mode
from sqlfmt.node import Node
from sqlfmt.node_manager import NodeManager
from sqlfmt.query_formatter import QueryFormatter
from sqlfmt.rule import Rule
from sqlfmt.tokens import Token, TokenType

QUERIES = (Path("builder/tds_atlas/report/sql"), Path("builder/tds_atlas/gate/sql"))
DEFINITIONS = Path("builder/tds_atlas/record")
WIDTH = 120
_VIEW = re.compile(r"(?<=\n)(CREATE VIEW \w+ AS\n)(.*?)\n?;\n", re.DOTALL)
_KEYWORDS = (
    TokenType.UNTERM_KEYWORD,
    TokenType.STATEMENT_START,
    TokenType.STATEMENT_END,
    TokenType.WORD_OPERATOR,
    TokenType.ON,
    TokenType.BOOLEAN_OPERATOR,
    TokenType.SET_OPERATOR,
)
_DIVISION = Rule(
    name="whole_division",  # sqlfmt takes // for the beginning of a comment, whose priority is 300
    priority=299,
    pattern="(//)",
    action=partial(actions.add_node_to_buffer, token_type=TokenType.OPERATOR),
)


class _Spaces(NodeManager):
    def create_node(self, token: Token, previous_node: Node | None) -> Node:
        """With a space behind the colon of a struct's field and of a lambda; none behind that of a slice."""
        node = super().create_node(token, previous_node)
        if previous_node and previous_node.token.type is TokenType.COLON:
            around = [bracket.value for bracket in node.open_brackets if bracket.is_opening_bracket]
            node.prefix = "" if around[-1:] == ["["] else " "
        return node


class _DuckDB(ClickHouse):  # which keeps the case of names
    def initialize_analyzer(self, line_length: int) -> Analyzer:
        rules = sorted([*self.RULES, _DIVISION], key=lambda rule: rule.priority)
        return Analyzer(line_length=line_length, rules=rules, node_manager=_Spaces(case_sensitive_names=True))


def lay_out(sql: str) -> str:
    """A query in lines of at most WIDTH characters. Raises ValueError where that would change more than the layout."""
    mode = Mode(line_length=WIDTH)
    mode.dialect = _DuckDB()
    query = QueryFormatter(mode).format(mode.dialect.initialize_analyzer(WIDTH).parse_query(sql))
    for node in query.nodes:
        if node.token.type in _KEYWORDS:
            node.value = node.value.upper()
    text = str(query)
    if _words(text) != _words(sql):
        raise ValueError("would be another query when laid out")
    return text


def _words(sql: str) -> list[str]:
    """What DuckDB reads, without white space and comments."""
    text = sql.encode()  # as the places of tokens count
    tokens = [*duckdb.tokenize(sql), (len(text), None)]
    pieces = [(text[start:end].decode(), kind) for (start, kind), (end, _) in pairwise(tokens)]
    return [piece.strip().lower() for piece, kind in pieces if kind is not duckdb.token_type.comment]


def laid_out(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if any(map(path.is_relative_to, QUERIES)):
        return lay_out(text)
    return _VIEW.sub(lambda view: f"{view[1]}{lay_out(view[2]).rstrip()};\n", text)


def main(check: bool) -> int:
    """How many files are not as they should be, or were not."""
    changed = 0
    for path in sorted([*(path for folder in QUERIES for path in folder.rglob("*.sql")), *DEFINITIONS.glob("*.sql")]):
        try:
            text = laid_out(path)
        except (SqlfmtError, ValueError) as error:
            sys.exit(f"{path}: {error}")
        if text != path.read_text(encoding="utf-8"):
            changed += 1
            print(f"{path}: " + ("`make format` would change it" if check else "laid out"))
            if not check:
                path.write_text(text, encoding="utf-8")
    return changed


if __name__ == "__main__":
    checking = "--check" in sys.argv
    sys.exit(bool(main(checking)) and checking)
