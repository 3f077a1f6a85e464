"""What the probe of harmful answers will read and write, counted before anything is measured: for `tds check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tds_atlas.domain import Answer, Comparison
from tds_atlas.inputs.step_settings import ScoreSettings
from tds_atlas.pipeline.fit import Window
from tds_atlas.pipeline.plan import Plan

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models

_SIDES = 3  # that are scored along harmful answers: both, and the base after the aligned model's ids
SLOWER = 4  # a token that is written, in small batches, takes so many times one that is read
_ROW_BYTES = 24  # of a position with its two divergences


@dataclass(frozen=True)
class RecoveryCost:
    """Tokens by model: upper bounds, since a text may end early."""

    reads: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)  # positions of the answers, by comparison

    @staticmethod
    def of(plan: Plan, models: Models) -> RecoveryCost:
        cost = RecoveryCost()
        named = plan.report.probes.named.get("recovery", ())
        for comparison in (c for c in plan.report.all_comparisons if c.comparison_id in named):
            windows = [Window.of(plan, models, side) for side in (comparison.base, comparison.aligned)]
            for answer in plan.harmful:
                cost._add(plan, comparison, windows, answer)
        return cost

    @property
    def written(self) -> int:
        return self.writes.total()

    @property
    def logits(self) -> int:
        """Of positions scored together."""
        return ScoreSettings().chunk_logits * _SIDES if self.rows else 0

    @property
    def disk_bytes(self) -> int:
        return 2 * _ROW_BYTES * self.rows.total()  # shards and database

    def operations(self, sizes: Mapping[str, int]) -> float:
        """Two per parameter and token."""
        return sum(2.0 * sizes[m] * (self.reads[m] + SLOWER * self.writes[m]) for m in self.reads | self.writes)

    def _add(self, plan: Plan, comparison: Comparison, windows: list[Window], answer: Answer) -> None:
        settings = plan.report.probes.recovery
        assert settings is not None
        base, aligned = comparison.base.model_id, comparison.aligned.model_id
        before, own = (window.length(answer.prompt) for window in windows)
        length = windows[1].answer_length(answer.prompt, answer.text)
        depths = [k for k in settings.depths if k <= length]
        self.reads[aligned] += own + 2 * sum(own + k for k in depths) + settings.opener * len(depths)
        self.writes[aligned] += max(settings.opener, settings.new_tokens) + 2 * settings.new_tokens * len(depths)
        self.reads[base] += sum(before + k for k in depths)
        self.writes[base] += settings.new_tokens * len(depths)
        along = min(length, settings.tokens)
        self.reads[aligned] += own + along
        self.reads[base] += before + own + 2 * along
        self.rows[comparison.comparison_id] += along
