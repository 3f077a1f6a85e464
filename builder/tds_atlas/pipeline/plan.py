"""What a report needs to have measured, as shards named by their content. Reads files and hashes; loads no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from tds_atlas.domain import Answer, Condition, Prompt
from tds_atlas.inputs.checkpoints import Checkpoint, locate
from tds_atlas.inputs.controls import Planted, read_controls
from tds_atlas.inputs.engine_settings import EngineSettings
from tds_atlas.inputs.graders import Grader
from tds_atlas.inputs.neutral_texts import NeutralText, read_neutral_texts
from tds_atlas.inputs.outputs import check_outputs
from tds_atlas.inputs.prompts import check_sample_names, named_apart, read_answers, read_prompts, united
from tds_atlas.inputs.recordings import has_lists
from tds_atlas.inputs.report_file import Report, read_report
from tds_atlas.inputs.roles import DEFAULT, Roles, read_roles
from tds_atlas.inputs.settings import ResponseSettings
from tds_atlas.inputs.token_text import decoder
from tds_atlas.pipeline.grade_rows import planned_graders
from tds_atlas.pipeline.identity import of_answer, of_context, of_prompt
from tds_atlas.pipeline.probe_works import WORKS
from tds_atlas.pipeline.recordings import check_harmful, check_noise, check_verbatim, tokenizer_folder
from tds_atlas.pipeline.work import ALL_ROWS, WHOLE, Span, WorkerPart, in_parts
from tds_atlas.record.bucket_shards import shard_at
from tds_atlas.record.shards import Shard, content_key

MEASURING = 7
RETOLD = "retold"  # in what is recorded with the cards: the comparisons of two tokenizers
Row = TypeVar("Row", Prompt, Answer)


@dataclass(frozen=True)
class Scoring:
    """One piece of scoring: the scores of the responses in `answers` (so many positions) are written to `shard`."""

    source: str
    answers: Shard
    positions: int
    shard: Shard


@dataclass(frozen=True)
class Plan:
    """A report's settings with the inputs that they name."""

    path: Path
    report: Report
    text: str  # the report file as written
    checkpoints: dict[str, Checkpoint]
    prompt_set: tuple[Prompt, ...]  # of the prompt file: the models answer these
    answers: dict[str, tuple[Answer, ...]]  # response files, by source
    roles: Roles
    controls: tuple[Planted, ...] = ()  # what was planted on purpose
    texts: tuple[NeutralText, ...] = ()  # of the probe fingerprint
    harmful: tuple[Answer, ...] = ()  # of the probe recovery
    graders: tuple[Grader, ...] = ()  # of the probe swap
    files: tuple[str, ...] = ()  # a line for each file of prompts or answers: what its rows are
    passed_over: tuple[str, ...] = ()  # a line for each row that could not be used, where the report lets rows be
    fits: bool = False  # whether rows that are too long for a model are among those passed over (fit.py)
    span: Span = ALL_ROWS  # of the rows of each file: only the shards that hold them are worked on

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        """Every prompt of the report by id: the prompt set, then those that only occur in a response file."""
        prompts = self.prompt_set if self.prompts_are_read else ()
        prompts += tuple(answer.prompt for answers in self.answers.values() for answer in answers)
        return united(self.path, prompts)

    @property
    def prompts_are_read(self) -> bool:
        """Whether a model reads the prompt set: else it only gives tags to the prompts of response files."""
        probes = self.report.probes
        return bool(self.report.generated_sources() or probes.swap or probes.prefill or probes.amplified)

    def lengths(self, sources: Sequence[str]) -> Shard:
        """Which rows of these files are too long for a model."""
        conditions = [(c.condition_id, self.identity(c)) for c in self.report.conditions_used()]
        answers = [(source, [of_answer(a) for a in rows]) for source, rows in self.answers.items()]
        prompts = [of_prompt(p) for p in self.prompt_set]
        readers = [(c.source, c.base.condition_id, c.aligned.condition_id) for c in self.report.all_comparisons]
        most = self.report.generate.max_new_tokens
        return self.shard("lengths", sources, conditions, readers, prompts, answers, most)

    def cards(self) -> Shard:
        """Models, conditions and vocabulary."""
        report = self.report
        models = [(c.model_id, c.settings.label, c.source, c.fingerprint) for c in self.checkpoints.values()]
        contexts = {name: of_context(context) for name, context in report.contexts.items()}
        prompts = [of_prompt(prompt) for prompt in self.prompts.values()]
        return self.shard(
            "cards",
            models,
            contexts,
            prompts,
            [(c.comparison_id, c.base.condition_id, c.aligned.condition_id) for c in report.all_comparisons],
            [c.condition_id for c in report.conditions_used()],
        )

    def generations(self) -> Iterator[tuple[Condition, tuple[Prompt, ...], Shard]]:
        """The work of generating: a condition, the prompts it answers and the shard for the answers."""
        settings = self.report.generate
        for condition in self.report.generated_sources().values():
            for part in self._parts(self.prompt_set, settings.samples):
                texts, how = [of_prompt(p) for p in part], (settings.max_new_tokens, *settings.drawn)
                key = (condition.condition_id, self.identity(condition), texts, *how)
                yield condition, part, self.shard("responses", *key)

    def readings(self) -> Iterator[tuple[str, tuple[Answer, ...], Shard]]:
        """The work of tokenising: a response file's name, some of its answers and the shard for them."""
        for source, answers in self.answers.items():
            condition = self.report.reader_of(source)
            for part in self._parts(answers):
                yield (
                    source,
                    part,
                    self.shard(
                        "responses",
                        source,
                        self.identity(condition),
                        [of_answer(a) for a in part],
                    ),
                )

    @cached_property
    def _response_shards(self) -> list[tuple[str, Shard]]:
        pairs = [(condition.condition_id, shard) for condition, _, shard in self.generations()]
        return pairs + [(source, shard) for source, _, shard in self.readings()]

    def response_shards(self) -> list[tuple[str, Shard]]:
        """Each shard of responses with its source."""
        return self._response_shards

    def scorings(self, part: WorkerPart = WHOLE) -> Iterator[Scoring]:
        """The work of scoring, known once the responses exist. Of a part, only its own responses are read."""
        for source, answers in part.of(self.response_shards()):
            yield self.scoring(source, answers)

    @cached_property
    def _scorings(self) -> dict[tuple[str, str], Scoring]:
        """Those known so far, by the name of their responses' shard and the hash of what is in it."""
        return {}

    def scoring(self, source: str, answers: Shard) -> Scoring:
        """That of one shard. It is read once, and nothing of it kept: one measured anew may hold other answers."""
        key = (answers.key, answers.digest("response"))
        if key not in self._scorings:
            rows = answers.read("response").select(["response_id", "prompt_id", "token_ids"]).to_pylist()
            texts = [(r["response_id"], *of_prompt(self.prompts[r["prompt_id"]])[1:], r["token_ids"]) for r in rows]
            conditions = [(c.condition_id, self.identity(c)) for c in self.report.conditions_of(source)]
            comparisons = self.report.comparisons_of(source)
            pairs = [(c.comparison_id, c.base.condition_id, c.aligned.condition_id) for c in comparisons]
            shard = self.shard("scores", texts, conditions, pairs, self.report.score.top_k)
            self._scorings[key] = Scoring(source, answers, sum(len(r["token_ids"]) for r in rows), shard)
        return self._scorings[key]

    @property
    def retold(self) -> frozenset[str]:
        """The comparisons of two tokenizers: known once the cards exist, for which tokenizers are read."""
        cards = self.cards()
        return frozenset(cards.meta().get(RETOLD, ())) if cards.exists() else frozenset()

    def probe_shards(self) -> Iterator[tuple[str, Shard]]:
        """Every shard of the probes, with the name of its table."""
        for name, works in WORKS.items():
            for *_, shard in works(self, WHOLE):
                yield name, shard

    def _parts(self, rows: Sequence[Row], answers: int = 1) -> Iterator[tuple[Row, ...]]:
        """The rows of each shard of answers, where each row has so many."""
        return self.span.of(in_parts(rows, max(1, self.report.shard_responses // answers)))

    def within(self, span: Span) -> Plan:
        """The plan for the shards that hold these rows. Raises InputError where there are no such rows."""
        counts = [len(self.prompt_set)] * bool(self.report.generated_sources())
        span.check(max(counts + [len(answers) for answers in self.answers.values()]))
        return replace(self, span=span)

    def engine_of(self, condition: Condition) -> EngineSettings:
        """Who computes the numbers of a condition."""
        return self.report.engine_again(condition) or self.report.engine_of(condition.model_id)

    @cached_property
    def alone(self) -> frozenset[str]:
        """The comparisons of which one side at least is a recording without lists: log-probabilities are all it has."""
        engines = {c: self.engine_of(c) for c in self.report.conditions_used()}
        bare = {c for c, engine in engines.items() if engine.kind == "recorded" and not has_lists(engine)}
        return frozenset(c.comparison_id for c in self.report.all_comparisons if bare & {c.base, c.aligned})

    def identity(self, condition: Condition) -> tuple[Any, ...]:
        """Everything about a condition that its numbers depend on."""
        context = self.report.contexts[condition.context_id]
        lender = () if context.template_of is None else self.checkpoints[context.template_of].fingerprint[1:2]
        again = self.report.engine_again(condition)
        other = () if again is None else (again.kind, *again.identity)
        own = self.checkpoints[condition.model_id].fingerprint
        return (*own, of_context(context), condition.arithmetic, *lender, *other)

    def shard(self, kind: str, *parts: Any) -> Shard:
        """Where work of that kind, of which these parts decide the numbers, is or will be."""
        return shard_at(self.report.output.shards, kind, content_key(MEASURING, kind, *parts))


def read_plan(path: Path) -> Plan:
    """Read a report file and what it names, the cheap parts first. Raises InputError."""
    report = read_report(path)
    check_outputs(path, report)
    passed_over: list[str] = []
    files: list[str] = []
    prompt_set = read_prompts(report.prompts, passed_over, files) if report.prompts else ()
    if report.prompts and report.generated_sources():
        check_sample_names(report.prompts.path, prompt_set, report.generate.samples)
    sources = report.file_sources().items()
    read = {}
    for source, settings in sources:
        decode = decoder(partial(tokenizer_folder, report, source))
        read[source] = read_answers(settings, prompt_set, passed_over, files, decode)
        check_verbatim(path, report, source, read[source])
    answers = named_apart(read, prompt_set, files)
    roles = read_roles(report.roles.path if report.roles else DEFAULT)
    conditions = report.conditions_used()
    template_models = [report.contexts[c.context_id].template_of for c in conditions]
    model_ids = dict.fromkeys([*(c.model_id for c in conditions), *filter(None, template_models)])
    checkpoints = {name: locate(name, report.models) for name in model_ids}
    text = path.read_text(encoding="utf-8")
    plan = Plan(path, report, text, checkpoints, prompt_set, answers, roles)
    plan = replace(plan, files=tuple(files), passed_over=tuple(passed_over))
    plan = replace(plan, graders=planned_graders(path, report, prompt_set, answers))
    check_noise(plan)
    if (probe := report.probes.fingerprint) is not None:
        plan = replace(plan, texts=read_neutral_texts(probe.path, probe.limit))
    if (given := report.probes.recovery) is not None:
        check_harmful(path, report, given.comparisons)
        plan = replace(plan, harmful=read_answers(ResponseSettings(path=given.path, limit=given.limit)))
    if report.controls is None:
        return plan
    comparisons = [c.comparison_id for c in report.comparisons]
    return replace(plan, controls=read_controls(report.controls.path, comparisons, plan.prompts))
