"""Where KL is infinite: one model rules out a token that the other does not. What the report says of it."""

from __future__ import annotations

import duckdb

from tds_atlas.report import query


def infinite_kl(con: duckdb.DuckDBPyConnection) -> str:
    """How many positions of which comparison, in words; empty where KL is finite everywhere."""
    return "; ".join(
        f"{row['label']}, "
        + " and ".join(
            f"{name} at {row[key]:,}"
            for key, name in (("aligned_base", "KL(aligned‖base)"), ("base_aligned", "KL(base‖aligned)"))
            if row[key]
        )
        + f" of {row['positions']:,} positions"
        for row in query.rows(con, "pages/infinite")
    )
