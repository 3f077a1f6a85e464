"""A shard's scores and divergences as rows of the database: with their lists, or without where those stay in shards.

A shard of scores has all conditions of its answers, so that no join goes beyond it. What the views ask of lists is
computed while storing: of each list its first id and log-probability, of both of a comparison how much their first ten
have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import duckdb

from tds_atlas.record.sealed import identifier
from tds_atlas.record.shards import Shard

LISTS = "lists"  # of the table run: there only where the lists are in the shards
_BOUNDED = {"score": ("entropy",), "divergence": ("kl_aligned_base", "kl_base_aligned", "js")}
_WHOLE = "SELECT *{bounds} FROM read_parquet($path)"
_NARROW = {
    "score": """
        SELECT * EXCLUDE (top_ids, top_logprobs), top_ids[1] AS top_id, top_logprobs[1] AS top_logprob{bounds}
        FROM read_parquet($path)""",
    "divergence": """
        WITH
            listed AS (SELECT response_id, pos, condition_id, top_ids[1:10] AS ids FROM read_parquet($scores)),
            joined AS (
                SELECT d.*, len(list_intersect(b.ids, a.ids)) AS shared, len(b.ids) + len(a.ids) AS listed
                FROM read_parquet($path, file_row_number = true) d
                JOIN comparison c USING (comparison_id)
                LEFT JOIN listed b
                    ON b.response_id = d.response_id AND b.pos = d.pos AND b.condition_id = c.base_condition_id
                LEFT JOIN listed a
                    ON a.response_id = d.response_id AND a.pos = d.pos AND a.condition_id = c.aligned_condition_id)
        SELECT * EXCLUDE (file_row_number, shared, listed), shared / (listed - shared) AS jaccard_10{bounds}
        FROM joined
        ORDER BY file_row_number""",
}


def insert_scores(con: duckdb.DuckDBPyConnection, table: str, shard: Shard, with_lists: bool) -> None:
    """The rows of `score` or `divergence`, in the order of the file."""
    with ExitStack() as files:
        path = files.enter_context(shard.file(table))
        given = {"path": str(path)}
        if table == "divergence" and not with_lists:
            given["scores"] = str(files.enter_context(shard.file("score")))
        select = (_WHOLE if with_lists else _NARROW[table]).format(bounds=_exact_bounds(table, shard.columns(path)))
        con.execute(f"INSERT INTO {identifier(table)} BY NAME {select}", given)


def _exact_bounds(table: str, columns: Sequence[str]) -> str:
    """Of what was measured exactly both bounds are the value; shards do not hold it three times."""
    exact = (name for name in _BOUNDED[table] if f"{name}_lower" not in columns)
    return "".join(f", {name} AS {name}_lower, {name} AS {name}_upper" for name in exact)
