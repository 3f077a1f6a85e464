"""`tds check`: everything about a report that can be known without running a model, and what a run will cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from tds_atlas.domain import Condition, InputError
from tds_atlas.inputs.checkpoints import card
from tds_atlas.inputs.pins import moving, moving_lines, pinned
from tds_atlas.parts import whole_file, write_file
from tds_atlas.pipeline.cost import Cost, cost_of, text_places
from tds_atlas.pipeline.fit import Window, fitting
from tds_atlas.pipeline.places import check_places
from tds_atlas.pipeline.plan import Plan
from tds_atlas.pipeline.probe_works import amplified_answers
from tds_atlas.pipeline.recovery_cost import RecoveryCost
from tds_atlas.pipeline.runners.ray_check import asked_cluster, look_at
from tds_atlas.pipeline.sides import answer_reader, lazy_models
from tds_atlas.pipeline.speed import operations_per_second
from tds_atlas.pipeline.tokenizers import Tokenizers
from tds_atlas.record.shards import DamagedShard, Shard

if TYPE_CHECKING:
    from tds_atlas.measure.contexts import Frame
    from tds_atlas.measure.engines.models import Models

_END_IDS = 4  # ids printed of either end of a prompt
_LINES = 10  # printed of rows passed over


def check(plan: Plan) -> Iterator[str]:
    """One line for each part of the report that is valid. Raises InputError for the first that is not."""
    check_places(plan)
    models = lazy_models(plan, "cpu")()
    plan = fitting(plan, lambda: models, keep=False)
    tokenizers = Tokenizers.of(plan, models)
    cards = {name: card(checkpoint) for name, checkpoint in plan.checkpoints.items()}
    yield f"{plan.path}: {len(plan.prompts)} prompts, {len(cards)} models"
    yield from (f"  {line}" for line in plan.files)
    yield from _passed_over_lines(plan)
    for name, c in cards.items():
        adapter = plan.checkpoints[name].adapter_card
        other = f"; its adapter was trained on {adapter.other_base}" if adapter and adapter.other_base else ""
        size = "parameters not counted" if c.parameters is None else f"{c.parameters:,} parameters"
        yield f"  model {name}: {c.architecture}, {size}, {c.dtype}, {c.source}, run by {c.engine}{other}"
    yield from (f"  {line}" for line in moving_lines(plan.checkpoints))
    retold = tokenizers.retold()
    for pair in plan.report.all_comparisons:
        base, aligned = pair.base, pair.aligned
        vocabulary = tokenizers.said(pair, retold) or "one vocabulary"
        vocabulary += ", log-probabilities alone: no classes" if pair.comparison_id in plan.alone else ""
        kind = "" if pair.kind == "tuning" else "A/A check, "
        sides = f"{base.condition_id} against {aligned.condition_id}"
        yield f"  comparison {pair.comparison_id}: {sides}, {kind}{vocabulary}"
    lengths = {}
    for condition in plan.report.conditions_used():
        window = Window.of(plan, models, condition)
        lengths[condition] = _lengths(plan, condition, window)
        yield from _card_lines(plan, condition, window.frame, max(lengths[condition].values()))
    yield from _drawn_lines(plan)
    for source in plan.answers:
        yield from _answer_lines(plan, models, source)
    if plan.texts:
        yield f"  neutral texts: {len(plan.texts):,}, {text_places(plan):,} places at most"
    recovery = RecoveryCost.of(plan, models)
    if plan.harmful:
        written = f"at most {recovery.written:,} tokens written after their beginnings"
        yield f"  harmful answers: {len(plan.harmful):,}, {written}"
    if settings := plan.report.probes.amplified:
        count, tokens = amplified_answers(plan)
        named = f"{len(settings.comparisons)} comparisons" if len(settings.comparisons) > 1 else "a comparison"
        yield f"  amplified answers: {count:,} of {named}, {count * tokens:,} tokens at most, by both models of it"
    yield from _device_lines(plan)
    cost = cost_of(plan, models, cards, lengths, recovery)
    yield from _cost_lines(plan, cost)
    yield from _cluster_lines(plan, cost)


def pin(plan: Plan) -> Iterator[str]:
    """Write the commits of moving revisions into the report file; a line for each."""
    found = moving(plan.checkpoints)
    if found:
        with whole_file(plan.path) as part:
            write_file(part, pinned(plan.path, {key: commit for key, (_, commit) in found.items()}))
    for key, (_, commit) in found.items():
        yield f"{plan.path}: {'.'.join(key)}.revision is {commit}"


def _device_lines(plan: Plan) -> Iterator[str]:
    """The devices that this machine does not have: the run may be meant for another one."""
    from tds_atlas.measure.engines.loading import choose_device

    devices = plan.report.device
    for name in (devices,) if isinstance(devices, str) else devices:
        try:
            choose_device(name)
        except InputError as error:
            yield f"  {error}"


def _passed_over_lines(plan: Plan) -> Iterator[str]:
    lines = plan.passed_over
    if lines:
        yield f"  rows passed over: {len(lines):,}"
        yield from (f"    {line}" for line in lines[:_LINES])
        if len(lines) > _LINES:
            yield f"    and {len(lines) - _LINES:,} more"


def _lengths(plan: Plan, condition: Condition, window: Window) -> dict[str, int]:
    """Tokens of each prompt in a condition. Raises InputError if a prompt leaves too little room for an answer."""
    generates = condition in plan.report.generated_sources().values()
    answered = {prompt.prompt_id for prompt in plan.prompt_set} if generates else set[str]()
    lengths = {name: window.length(prompt) for name, prompt in plan.prompts.items()}
    for name, length in lengths.items():
        fault = window.fault(length, plan.report.generate.max_new_tokens if name in answered else 1)
        if fault:
            remedy = ", or lower generate.max_new_tokens" if name in answered else ""
            raise InputError(f"prompt {name!r}: {fault}; leave it out with leave_out{remedy}")
    return lengths


def _card_lines(plan: Plan, condition: Condition, frame: Frame, longest: int) -> Iterator[str]:
    texts = [frame.reads(prompt) for prompt in plan.prompts.values()]
    ids = frame.prompt_ids(texts[0])
    tokens = [f"{i}:{w!r}" for i, w in zip(ids, frame.tokenizer.convert_ids_to_tokens(list(ids)), strict=True)]
    card = f"begin tokens: {frame.begin_count(ids)}, template: {frame.template_hash}, longest: {longest:,} tokens"
    yield f"  condition {condition.condition_id}: {card}"
    yield f"    {' '.join(tokens[:_END_IDS])} ... {' '.join(tokens[-_END_IDS:])}"
    yield from (f"    {remark}" for remark in frame.remarks(texts))


def _drawn_lines(plan: Plan) -> Iterator[str]:
    """How answers are drawn, if they are."""
    settings = plan.report.generate
    if settings.sampling is not None:
        used = ", ".join(f"{name} {x}" for name, x in asdict(settings.sampling).items() if x is not None)
        for source in plan.report.generated_sources():
            count = len(plan.prompt_set) * settings.samples
            yield f"  answers {source}: {count:,}, {settings.samples} a prompt, {used}"


def _answer_lines(plan: Plan, models: Models, source: str) -> Iterator[str]:
    """How a file's answers close, and what of them is special text."""
    yield f"  answers {source}: {len(plan.answers[source])}"
    yield from (f"    {remark}" for remark in answer_reader(plan, models, source).remarks(plan.answers[source]))


def _cost_lines(plan: Plan, cost: Cost) -> Iterator[str]:
    finished = [_is_finished(shard) for _, shard in plan.response_shards()]
    yield (
        f"  at most {cost.positions:,} positions: about {_duration(cost.seconds)} on this machine's CPU, "
        f"{cost.memory_bytes / 1e9:.1f} GB of memory, {cost.disk_bytes / 1e6:,.0f} MB of disk"
    )
    yield f"  {sum(finished)} of {len(finished)} shards of answers exist already"


def _cluster_lines(plan: Plan, cost: Cost) -> Iterator[str]:
    """What the cluster of the runner ray has, where there is one before the run, and how long it would take."""
    settings = plan.report.runner
    if settings.kind != "ray" or asked_cluster(settings) is None:
        return
    cluster = look_at(settings, cost.memory_bytes, operations_per_second)
    yield from cluster.lines
    if cluster.speed is None:
        yield "    busy or out of reach: no actor was timed"
    else:
        seconds = cost.operations / cluster.speed / cluster.actors
        yield f"    about {_duration(seconds)} on it, by one actor's speed now and without their start"


def _is_finished(shard: Shard) -> bool:
    try:
        return shard.exists()
    except DamagedShard:  # a run measures it anew
        return False


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return "a minute" if minutes < 1.5 else f"{minutes:.0f} minutes" if minutes < 90 else f"{minutes / 60:.0f} hours"
