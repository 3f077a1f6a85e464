"""Of a source's answers, what the conditions say that read them in tokens of their own: tables beside the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from tds_atlas.domain import Comparison, Prompt, Response
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.sides import scorer_of, side_of
from tds_atlas.pipeline.tokenizers import Tokenizers
from tds_atlas.record.retold_tables import retold_table, stretch_table
from tds_atlas.stretches import stretches

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.retold import Reteller
    from tds_atlas.measure.score import Scorer


@dataclass(frozen=True)
class Retelling:
    """The conditions of a source that have another tokenizer, and the comparisons that they are the base of."""

    readers: Sequence[tuple[Reteller, Scorer]]
    comparisons: Sequence[Comparison]

    @staticmethod
    def of(plan: Plan, models: Models, source: str) -> Retelling:
        """With its models loaded. Reads nothing where one tokenizer serves all."""
        from tds_atlas.measure.retold import Reteller

        tokenizers = Tokenizers.of(plan, models)
        apart, writer = tokenizers.apart(source), tokenizers.by_model[tokenizers.writer(source)]
        sides = [side_of(plan, models, condition) for condition in apart]
        readers = [(Reteller(side, writer), scorer_of(plan, [side], ())) for side in sides]
        return Retelling(readers, [c for c in plan.report.comparisons_of(source) if c.base in apart])

    def tables(self, responses: Sequence[Response], prompts: Mapping[str, Prompt]) -> dict[str, pa.Table]:
        """The tables `retold` and `stretch`; none without such conditions, or where no answer has any text."""
        from tds_atlas.measure.retold import score_retold

        told = {
            r.side.condition: score_retold(scorer, r.retell(responses, prompts), prompts) for r, scorer in self.readers
        }
        every = [one for found in told.values() for one in found]
        if not every:
            return {}
        rows = [
            (c.comparison_id, one, stretches(one.written, one.ends)) for c in self.comparisons for one in told[c.base]
        ]
        return {"retold": retold_table(every), "stretch": stretch_table(rows)}
