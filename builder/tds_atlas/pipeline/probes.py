"""The probes: what is measured by writing on: token swap, prefilled answers, the base's continuations.

Each piece of work is a shard, as everything that is measured; torch is imported where something is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import MARGINAL_RANK, Comparison, Prompt, Response
from tds_atlas.pipeline.plan import Plan, Scoring
from tds_atlas.pipeline.sides import side_of
from tds_atlas.pipeline.work import WHOLE, Failures, Part, in_parts
from tds_atlas.progress import progress_bar
from tds_atlas.record import shards
from tds_atlas.record.shards import Shard, read_responses

if TYPE_CHECKING:
    from tds_atlas.measure.engines.transformers import Models
    from tds_atlas.measure.probes.continuation import Branches

Rows = list[dict[str, Any]]
_TOGETHER = 16  # answers that the base reads at a time, to go on from places in them
_SWAP = ("comparison_id", "prompt_id", "method", "share", "n_tokens", "n_swapped", "n_changed", "finish", "text")


def write_probes(plan: Plan, models: Callable[[], Models], part: Part = WHOLE) -> None:
    """Every probe that is not there yet. A shard that fails leaves the others unharmed."""
    failures = Failures()
    kinds: tuple[tuple[str, Any, Any], ...] = (
        ("swap", plan.swaps, _swap),
        ("prefill", plan.prefills, _prefill),
        ("continuation", plan.continuations, _continuation),
    )
    for name, works, measure in kinds:
        todo = [work for work in part.of(works()) if not work[-1].exists()]
        if not todo:
            continue
        with progress_bar(f"probe {name}", None, "rows") as advance:
            for comparison, items, shard in todo:
                with failures.collected():
                    rows = measure(plan, models(), comparison, items)
                    shard.write({name: shards.rows_table(rows)})
                    advance(len(rows))
    failures.raise_collected()


def _swap(plan: Plan, models: Models, comparison: Comparison, prompts: Sequence[Prompt]) -> Rows:
    from tds_atlas.measure.decode import decode_with_spans
    from tds_atlas.measure.probes.swap import swaps

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.swap
    assert settings is not None
    rows = []
    for made in swaps(base, aligned, [p.text for p in prompts], settings.shares, settings.max_new_tokens):
        text = made.written
        ends = text.ids[-1] in {*base.model.end_ids, *aligned.model.end_ids}
        said, _ = decode_with_spans(aligned.frame.tokenizer, text.ids[:-1] if ends else text.ids)
        counts = (len(text.ids), sum(text.swapped), sum(text.changed), "stop" if ends else "length", said)
        names = (comparison.comparison_id, prompts[made.prompt].prompt_id, made.method, made.share)
        rows.append(dict(zip(_SWAP, names + counts, strict=True)))
    return rows


def _prefill(plan: Plan, models: Models, comparison: Comparison, prompts: Sequence[Prompt]) -> Rows:
    from tds_atlas.measure.decode import decode_with_spans
    from tds_atlas.measure.probes.prefill import prefilled

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.prefill
    assert settings is not None
    ends = set(aligned.model.end_ids)

    def text(ids: Sequence[int], before: Sequence[int] = ()) -> str:
        whole, spans = decode_with_spans(aligned.frame.tokenizer, [*before, *(i for i in ids if i not in ends)])
        return whole[spans[len(before) - 1][1] if before else 0 :]

    asked = [p.text for p in prompts]
    return [
        {
            "comparison_id": comparison.comparison_id,
            "prompt_id": prompts[made.prompt].prompt_id,
            "k": len(made.prefix),
            "prefix": text(made.prefix),
            "said": text(made.said, made.prefix),
            "opening": text(made.opening),
            "opening_logprob": made.opening_logprob,
            "base_opening_logprob": made.base_opening_logprob,
            "opening_likeliest": made.opening_likeliest,
        }
        for made in prefilled(base, aligned, asked, settings.depth, settings.new_tokens, settings.opening)
    ]


def _continuation(plan: Plan, models: Models, comparison: Comparison, work: Scoring) -> Rows:
    from tds_atlas.measure.probes.continuation import continuations

    settings = plan.report.probes.continuation
    assert settings is not None
    side, rows = side_of(plan, models, comparison.base), []
    branches = list(_branches(plan, comparison, work, settings.per_response))
    branches.sort(key=lambda b: len(b.response.token_ids))
    for batch in in_parts(branches, _TOGETHER):
        for branch, said in zip(batch, continuations(side, batch, settings.new_tokens), strict=True):
            names = {"comparison_id": comparison.comparison_id, "response_id": branch.response.response_id}
            rows += [
                names | {"pos": t, "text": text, "ends": ends}
                for t, (text, ends) in zip(branch.places, said, strict=False)  # none where it would not fit
            ]
    return rows


def _branches(plan: Plan, comparison: Comparison, work: Scoring, most: int) -> Iterator[Branches]:
    """Of every response the places where a run of shifted tokens begins, those of largest KL where there are many."""
    from tds_atlas.measure.probes.continuation import Branches

    ranks, firsts = _column(work.shard, comparison.base.condition_id)
    far = shards.by_response(work.shard, "divergence", "comparison_id", comparison.comparison_id, "kl_aligned_base")
    responses: list[Response] = read_responses(work.answers)
    for response in responses:
        rank, kl = ranks[response.response_id], far[response.response_id]
        begins = [t for t, r in enumerate(rank) if r > MARGINAL_RANK and (t == 0 or rank[t - 1] <= MARGINAL_RANK)]
        places = tuple(sorted(sorted(begins, key=lambda t: -kl[t])[:most]))
        if places:
            first = tuple(firsts[response.response_id][t][0] for t in places)
            yield Branches(plan.prompts[response.prompt_id].text, response, places, first)


def _column(shard: Shard, condition_id: str) -> tuple[dict[str, list[int]], dict[str, list[list[int]]]]:
    ranks = shards.by_response(shard, "score", "condition_id", condition_id, "rank")
    return ranks, shards.by_response(shard, "score", "condition_id", condition_id, "top_ids")
