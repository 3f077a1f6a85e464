"""The fourth step of a run: the probes. Token swap (swap_rows.py), prefilled answers, the base's continuations, the
fingerprint, harmful answers (recovery_rows.py), and amplified decoding (amplified_rows.py).

Each piece of work is a shard, like everything measured; torch is imported only if work is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tds_atlas.domain import MARGINAL_RANK, Comparison, Prompt, Response
from tds_atlas.inputs.neutral_texts import NeutralText
from tds_atlas.pipeline.amplified_rows import amplified_rows
from tds_atlas.pipeline.grade_rows import grade_rows
from tds_atlas.pipeline.plan import Plan, Scoring
from tds_atlas.pipeline.probe_works import WORKS
from tds_atlas.pipeline.recovery_rows import harmful_answer_rows, recovery_rows
from tds_atlas.pipeline.sides import side_of
from tds_atlas.pipeline.swap_rows import swap_rows
from tds_atlas.pipeline.work import WHOLE, Failures, WorkerPart, in_parts
from tds_atlas.record import shards
from tds_atlas.record.shards import Shard, read_responses
from tds_atlas.terminal import progress_bar

if TYPE_CHECKING:
    from tds_atlas.measure.engines.models import Models
    from tds_atlas.measure.probes.continuation import Branches

Rows = list[dict[str, Any]]
_SHOWN = 60  # characters of a neutral text that are kept before each of its places
_BATCH = 16  # answers that the base reads at a time, to continue from positions in them


def write_probes(plan: Plan, models: Callable[[], Models], part: WorkerPart = WHOLE) -> None:
    """Run every probe that is missing. A shard that fails leaves the others intact."""
    failures = Failures()
    measures: dict[str, Callable[[Plan, Models, Comparison, Any], Rows]] = {
        "swap": swap_rows,
        "prefill": _prefill,
        "continuation": _continuation,
        "fingerprint": _fingerprint,
        "recovery": recovery_rows,
        "harmful_answer": harmful_answer_rows,
        "amplified": amplified_rows,
    }
    for name, works in WORKS.items():
        todo = [work for work in works(plan, part) if not work[-1].exists()]
        if not todo:
            continue
        with progress_bar(f"probe {name}", None, "rows") as advance:
            for comparison, items, shard in todo:
                with failures.collect():
                    if name == "swap_grade":  # for which no model is loaded
                        rows = grade_rows(plan, *items) if items[1].exists() else None
                    else:
                        rows = measures[name](plan, models(), comparison, items)
                    if rows is not None:
                        shard.write({name: shards.rows_table(rows)})
                        advance(len(rows))
    failures.raise_collected()


def _prefill(plan: Plan, models: Models, comparison: Comparison, prompts: Sequence[Prompt]) -> Rows:
    from tds_atlas.measure.decode import text_after
    from tds_atlas.measure.probes.prefill import prefills

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings = plan.report.probes.prefill
    assert settings is not None
    ends = set(aligned.model.end_ids)

    def text(ids: Sequence[int], before: Sequence[int] = ()) -> str:
        return text_after(aligned.frame.tokenizer, before, ids, ends)

    return [
        {
            "comparison_id": comparison.comparison_id,
            "prompt_id": prompts[row.prompt].prompt_id,
            "k": len(row.prefix),
            "prefix": text(row.prefix),
            "said": text(row.continuation, row.prefix),
            "opening": text(row.opening),
            "opening_logprob": row.opening_logprob,
            "base_opening_logprob": row.base_opening_logprob,
            "opening_likeliest": row.opening_likeliest,
        }
        for row in prefills(base, aligned, prompts, settings.depth, settings.new_tokens, settings.opening)
    ]


def _continuation(plan: Plan, models: Models, comparison: Comparison, work: Scoring) -> Rows:
    from tds_atlas.measure.probes.continuation import continuations

    settings = plan.report.probes.continuation
    assert settings is not None
    side, rows = side_of(plan, models, comparison.base), []
    branches = list(_branches(plan, comparison, work, settings.per_response))
    branches.sort(key=lambda b: len(b.response.token_ids))
    for batch in in_parts(branches, _BATCH):
        for branch, texts in zip(batch, continuations(side, batch, settings.new_tokens), strict=True):
            key = {"comparison_id": comparison.comparison_id, "response_id": branch.response.response_id}
            rows += [
                key | {"pos": t, "text": text, "ends": ends}
                for t, (text, ends) in zip(branch.positions, texts, strict=False)  # none if they would not fit
            ]
    return rows


def _fingerprint(plan: Plan, models: Models, comparison: Comparison, texts: Sequence[NeutralText]) -> Rows:
    from tds_atlas.measure.decode import decode_with_spans
    from tds_atlas.measure.probes.fingerprint import fingerprint

    base, aligned = side_of(plan, models, comparison.base), side_of(plan, models, comparison.aligned)
    settings, score = plan.report.probes.fingerprint, plan.report.score
    assert settings is not None
    numbers = {text.text_id: n for n, text in enumerate(plan.texts, 1)}
    at_once = (score.batch_tokens, score.chunk_logits)
    rows: Rows = []
    for found in fingerprint(base, aligned, texts, settings.tokens, settings.top, *at_once):
        text, spans = decode_with_spans(aligned.frame.tokenizer, found.ids[found.begin :])
        ends = [0] * found.begin + [end for _, end in spans]
        rows += [
            {
                "comparison_id": comparison.comparison_id,
                "text_id": found.text.text_id,
                "number": numbers[found.text.text_id],
                "pos": pos,
                "text_before": text[max(0, end - _SHOWN) : end],
                "up_ids": found.up_ids[pos].tolist(),
                "up_nats": found.up_nats[pos].tolist(),
                "down_ids": found.down_ids[pos].tolist(),
                "down_nats": found.down_nats[pos].tolist(),
            }
            for pos, end in enumerate(ends)
        ]
    return rows


def _branches(plan: Plan, comparison: Comparison, work: Scoring, most: int) -> Iterator[Branches]:
    """The positions of each response where a run of shifted tokens begins: at most `most`, by largest KL."""
    from tds_atlas.measure.probes.continuation import Branches

    ranks, top_ids = _ranks_and_top_ids(work.shard, comparison.base.condition_id)
    all_kl = shards.by_response(work.shard, "divergence", "comparison_id", comparison.comparison_id, "kl_aligned_base")
    responses: list[Response] = read_responses(work.answers)
    for response in responses:
        rank, kl = ranks[response.response_id], all_kl[response.response_id]
        begins = [t for t, r in enumerate(rank) if r > MARGINAL_RANK and (t == 0 or rank[t - 1] <= MARGINAL_RANK)]
        positions = tuple(sorted(sorted(begins, key=lambda t: -kl[t])[:most]))
        if positions:
            firsts = tuple(top_ids[response.response_id][t][0] for t in positions)
            yield Branches(plan.prompts[response.prompt_id], response, positions, firsts)


def _ranks_and_top_ids(shard: Shard, condition_id: str) -> tuple[dict[str, list[int]], dict[str, list[list[int]]]]:
    ranks = shards.by_response(shard, "score", "condition_id", condition_id, "rank")
    return ranks, shards.by_response(shard, "score", "condition_id", condition_id, "top_ids")
