"""Which comparisons have two tokenizers, and which conditions read a source's answers in tokens of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tds_atlas.domain import Comparison, Condition, InputError
from tds_atlas.pipeline.plan import Plan

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from tds_atlas.measure.engines.models import Models


@dataclass(frozen=True)
class Tokenizers:
    """The tokenizers of a plan's models, by their names."""

    plan: Plan
    by_model: Mapping[str, PreTrainedTokenizerFast]

    @staticmethod
    def of(plan: Plan, models: Models) -> Tokenizers:
        return Tokenizers(plan, {name: models.tokenizer(found) for name, found in plan.checkpoints.items()})

    def writer(self, source: str) -> str:
        """The model whose tokens the answers of a source are."""
        generated = self.plan.report.generated_sources()
        return (generated[source] if source in generated else self.plan.report.reader_of(source)).model_id

    def apart(self, source: str) -> list[Condition]:
        """The conditions that cannot read a source's token ids, and read its text in their own."""
        conditions = self.plan.report.conditions_of(source)
        return [c for c in conditions if self._difference(self.writer(source), c.model_id)]

    def retold(self) -> dict[str, str]:
        """Each comparison whose two sides have different vocabularies, with a sentence that says so.

        Raises InputError where the aligned side cannot read the answers' ids, for a tokenizer that changes text, and
        for a probe that needs one vocabulary.
        """
        self._check_yardstick()
        return {c.comparison_id: self._sentence(c) for c in self.plan.report.all_comparisons if self._is_retold(c)}

    def _check_yardstick(self) -> None:
        """Raises InputError for a fingerprint against a comparison of another vocabulary."""
        probe = self.plan.report.probes.fingerprint
        models = {c.comparison_id: c.aligned.model for c in self.plan.report.comparisons}
        against = probe.against if probe else None
        for name in probe.comparisons if probe and against else ():
            differ = self._difference(models[str(against)], models[name])
            if differ:
                raise InputError(
                    f"probes.fingerprint.against: {against} has another vocabulary than {name} ({differ}); "
                    f"take {name} out, or name a yardstick with its vocabulary"
                )

    def said(self, comparison: Comparison, retold: Mapping[str, str]) -> str:
        """What is to be said of a comparison's vocabularies; nothing of one vocabulary."""
        from tds_atlas.measure.vocabularies import extension

        pair = (comparison.base.model_id, comparison.aligned.model_id)
        return retold.get(comparison.comparison_id) or extension(*pair, self.by_model) or ""

    def _is_retold(self, comparison: Comparison) -> bool:
        writer, aligned = self.writer(comparison.source), comparison.aligned.model_id
        differ = self._difference(writer, aligned)
        if differ:
            raise InputError(
                f"comparison {comparison.comparison_id}: the answers of {comparison.source} are tokens of model "
                f"{writer}, and model {aligned} has another vocabulary ({differ}); name answers that its own model "
                "wrote, or the file a second time under responses"
            )
        return self._difference(aligned, comparison.base.model_id) is not None

    def _sentence(self, comparison: Comparison) -> str:
        from tds_atlas.measure.token_bytes import TokenBytes

        name, pair = comparison.comparison_id, (comparison.base.model_id, comparison.aligned.model_id)
        for model in pair:
            changed = TokenBytes(self.by_model[model]).changes_text
            if changed:
                problem = f"the tokenizer of model {model} does not give a text back as it was ({changed})"
                raise InputError(f"comparison {name}: {problem}; tokens of two tokenizers are compared byte by byte")
        for kind, named in self.plan.report.probes.named.items():
            if name in named:
                problem = f"the models of {name} have different vocabularies, and the probe needs one"
                raise InputError(f"probes.{kind}.comparisons: {problem}; take {name} out")
        return f"two tokenizers, compared by stretches of bytes: {self._difference(*pair)}"

    def _difference(self, first: str, second: str) -> str | None:
        from tds_atlas.measure.vocabularies import difference

        return difference(first, second, self.by_model)
