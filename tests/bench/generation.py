"""Generation beside `model.generate` in its best batch size, and answers in batches beside unbatched greedy decoding."""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from transformers import GenerationConfig

from tds_atlas.domain import Condition, Prompt
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.generate import generate
from tds_atlas.measure.side import Side
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.sides import side_of
from tds_atlas.pipeline.work import in_parts
from tests.bench.timing import Ways, ratio, speeds

REPORT = Path("data/reports/pocket.yml")
ANSWERING = Condition("dpo", "chat")
SIZES = (8, 16, 32, 64, 128)


def ours(side: Side, prompts: list[Prompt], size: int, limit: int) -> list[tuple[int, ...]]:
    batches = in_parts(sorted(prompts, key=lambda p: len(p.text)), size)
    return [r.token_ids for batch in batches for r in generate(side, batch, limit)]


def bare(side: Side, prompts: list[Prompt], size: int, limit: int) -> list[tuple[int, ...]]:
    """`model.generate` on the same ids, padded on the left; its answers cut after their end token."""
    prompt_ids = [side.frame.prompt_ids(p.text) for p in sorted(prompts, key=lambda p: len(p.text))]
    end, answers = side.model.end_ids[0], []
    settings = GenerationConfig(max_new_tokens=limit, do_sample=False, pad_token_id=end, eos_token_id=end)
    for batch in in_parts(prompt_ids, size):
        width = max(map(len, batch))
        ids = torch.tensor([[end] * (width - len(h)) + list(h) for h in batch])
        mask = torch.tensor([[0] * (width - len(h)) + [1] * len(h) for h in batch])
        with torch.inference_mode():
            out = side.model.model.generate(ids, attention_mask=mask, generation_config=settings)[:, width:].tolist()
        answers += [tuple(row[: row.index(end) + 1] if end in row else row) for row in out]
    return answers


def table(plan: Plan, count: int = 192) -> None:
    """Print tokens per second of each way."""
    side, prompts = side_of(plan, Models("cpu"), ANSWERING), list(plan.prompt_set[:count])
    limit, size = plan.report.generate.max_new_tokens, plan.report.generate.batch_size

    def tokens(way: object, n: int) -> int:
        return sum(map(len, way(side, prompts, n, limit)))  # type: ignore[operator]

    ways: Ways = {f"`model.generate`, batches of {n}": functools.partial(tokens, bare, n) for n in SIZES}
    found = speeds({"ours": lambda: tokens(ours, size)} | ways)
    print("\n**Generation, pocket**\n\n| way | tokens/s | ours to it |\n|---|---:|---:|")
    for name, values in found.items():
        print(f"| {name} | {sorted(values)[len(values) // 2]:,.0f} | {ratio(found, 'ours', name):.2f} |")
    _differences(side, list(plan.prompt_set), size, limit)


def _differences(side: Side, prompts: list[Prompt], size: int, limit: int) -> None:
    batched = ours(side, prompts, size, limit)
    alone = bare(side, prompts, 1, limit)
    different = sum(a != b for a, b in zip(batched, alone, strict=True))
    print(f"\n{different} of {len(prompts)} answers in batches of {size} differ from unbatched greedy decoding.")


if __name__ == "__main__":
    table(read_plan(REPORT))
