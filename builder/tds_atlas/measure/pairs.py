"""The divergences of a comparison's two sides by what is known of each: exact, or bounded by lists."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tds_atlas.domain import Comparison, Condition, InputError
from tds_atlas.measure.bounds import Known, divergence_bounds
from tds_atlas.measure.engines.engine import Model, gives_lists
from tds_atlas.measure.statistics import Columns, Rows

_EXACT = ("kl_aligned_base", "kl_base_aligned", "js", "clamped")


def check_widths(comparison: Comparison, base: Model, aligned: Model) -> None:
    """Raises InputError for lists over two vocabularies: what they leave out cannot be conditioned on common ids."""
    if base.vocab_size != aligned.vocab_size and (gives_lists(base) or gives_lists(aligned)):
        names = (f"{model.checkpoint.model_id} has {model.vocab_size:,} ids" for model in (base, aligned))
        raise InputError(
            f"comparison {comparison.comparison_id}: {', '.join(names)}; where a model gives lists only, both need one "
            "width: give vocab_size in config.json as the engine has it"
        )


def divergences(
    comparison: Comparison,
    rows: Mapping[Condition, Rows],
    columns: Mapping[Condition, Columns],
    ids: np.ndarray,
    width: int,
) -> Columns:
    """Of T positions. rows: of sides that are known whole; columns: of both; ids [T]: what was written."""
    base, aligned = comparison.base, comparison.aligned
    if base in rows and aligned in rows:
        values = rows[aligned].divergences(rows[base])
        return {name: value.cpu().numpy() for name, value in zip(_EXACT, values, strict=True)}
    known = {side: Known.of(columns[side], ids, width) for side in (base, aligned)}
    for side, other in ((base, aligned), (aligned, base)):
        if side in rows:  # it knows the ids of the other's list, too
            known[side] = known[side].also(known[other].ids, *rows[side].at(known[other].ids))
    return divergence_bounds(known[aligned], known[base])
