"""Generation beside `model.generate` in its best batch size, and answers in batches beside unbatched greedy decoding."""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from transformers import GenerationConfig

from builder.domain import Condition, Prompt
from builder.measure.contexts import Frame
from builder.measure.generate import generate
from builder.measure.models import LoadedModel, Models
from builder.plan import Plan, in_parts, load_plan
from builder.stages import frame_of
from tests.bench.timing import Ways, ratio, speeds

REPORT = Path("data/reports/pocket.yml")
ANSWERING = Condition("dpo", "chat")
SIZES = (8, 16, 32, 64, 128)


def ours(model: LoadedModel, frame: Frame, prompts: list[Prompt], size: int, limit: int) -> list[tuple[int, ...]]:
    batches = in_parts(sorted(prompts, key=lambda p: len(p.text)), size)
    return [r.token_ids for batch in batches for r in generate(model, frame, ANSWERING, batch, limit)]


def bare(model: LoadedModel, frame: Frame, prompts: list[Prompt], size: int, limit: int) -> list[tuple[int, ...]]:
    """`model.generate` on the same ids, padded on the left; its answers cut after their end token."""
    heads = [frame.prompt_ids(p.text) for p in sorted(prompts, key=lambda p: len(p.text))]
    end, answers = model.end_ids[0], []
    settings = GenerationConfig(max_new_tokens=limit, do_sample=False, pad_token_id=end, eos_token_id=end)
    for batch in in_parts(heads, size):
        width = max(map(len, batch))
        ids = torch.tensor([[end] * (width - len(h)) + list(h) for h in batch])
        mask = torch.tensor([[0] * (width - len(h)) + [1] * len(h) for h in batch])
        with torch.inference_mode():
            out = model.model.generate(ids, attention_mask=mask, generation_config=settings)[:, width:].tolist()
        answers += [tuple(row[: row.index(end) + 1] if end in row else row) for row in out]
    return answers


def table(plan: Plan, count: int = 192) -> None:
    """Print tokens per second of each way."""
    models = Models("cpu")
    model = models.model(plan.checkpoints[ANSWERING.model_id])
    frame, prompts = frame_of(plan, models, ANSWERING), list(plan.given[:count])
    limit, size = plan.report.generate.max_new_tokens, plan.report.generate.batch_size

    def tokens(way: object, n: int) -> int:
        return sum(map(len, way(model, frame, prompts, n, limit)))  # type: ignore[operator]

    ways: Ways = {f"`model.generate`, batches of {n}": functools.partial(tokens, bare, n) for n in SIZES}
    found = speeds({"ours": lambda: tokens(ours, size)} | ways)
    print("\n**Generation, pocket**\n\n| way | tokens/s | ours to it |\n|---|---:|---:|")
    for name, values in found.items():
        print(f"| {name} | {sorted(values)[len(values) // 2]:,.0f} | {ratio(found, 'ours', name):.2f} |")
    _differences(model, frame, list(plan.given), size, limit)


def _differences(model: LoadedModel, frame: Frame, prompts: list[Prompt], size: int, limit: int) -> None:
    batched = ours(model, frame, prompts, size, limit)
    alone = bare(model, frame, prompts, 1, limit)
    different = sum(a != b for a, b in zip(batched, alone, strict=True))
    print(f"\n{different} of {len(prompts)} answers in batches of {size} differ from unbatched greedy decoding.")


if __name__ == "__main__":
    table(load_plan(REPORT))
