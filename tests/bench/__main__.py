"""`make bench`: ways to score and generate, side by side in one run. Ratios count; absolute figures are the machine's."""

from __future__ import annotations

import platform
import statistics
from pathlib import Path

import torch
from transformers import AutoTokenizer

from tds_atlas.pipeline.plan import read_plan
from tests.bench import busy, generation, pairs, peers, scale, stages, whole, wide
from tests.bench.pairs import POCKET, Pair
from tests.bench.timing import ratio, speeds


def machine() -> str:
    """The processor, its threads and instructions, and the version of torch."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    kernels = torch.backends.cpu.get_cpu_capability()
    return f"{cpu}, {torch.get_num_threads()} threads, {kernels}, torch {torch.__version__}"


def scoring(pair: Pair, fast: int, slow: int, rounds: int) -> None:
    """Print tokens per second of each way to score a pair; the two slow loops on fewer answers of 300 tokens."""
    few, few_prompts = pairs.answers(pair, slow, length=300)
    many, many_prompts = pairs.answers(pair, fast)
    tokenizer = AutoTokenizer.from_pretrained(POCKET / "base")
    harness = peers.Harness(pair, tokenizer, batch_size=max(1, pair.batch_tokens // 512))
    found = speeds(
        {
            "ours": lambda: peers.ours(pair, many, many_prompts),
            "limit: bodies, and heads where there is a response": lambda: peers.limit(pair, many, many_prompts),
            "the models' own forward": lambda: peers.forward(pair, many, many_prompts),
            "lm-evaluation-harness, log-likelihood only": lambda: harness(pair, many, many_prompts),
        },
        rounds,
    )
    alone = speeds(
        {
            "ours": lambda: peers.ours(pair, few, few_prompts),
            "KV-cache loop": lambda: peers.cache_loop(pair, few, few_prompts),
            "full-prefix loop (AlignTDS)": lambda: peers.full_prefix_loop(pair, few, few_prompts),
        },
        rounds=3,
    )
    print(f"\n**Scoring, {pair.name}**\n\n| way | tokens/s | ours to it |\n|---|---:|---:|")
    for table in (found, alone):
        for name, values in table.items():
            if name != "ours" or table is found:
                print(f"| {name} | {statistics.median(values):,.0f} | {ratio(table, 'ours', name):,.2f} |", flush=True)


def statistics_alone(pair: Pair, count: int = 4, rounds: int = 5) -> None:
    """Print what statistics cost as the vocabulary grows: answers of 100 tokens, ours, the limit and the harness."""
    many, prompts = pairs.answers(pair, count, length=100)
    harness = peers.Harness(pair, AutoTokenizer.from_pretrained(POCKET / "base"), batch_size=4)
    found = speeds(
        {
            "ours": lambda: peers.ours(pair, many, prompts),
            "limit: bodies, and heads where there is a response": lambda: peers.limit(pair, many, prompts),
            "lm-evaluation-harness, log-likelihood only": lambda: harness(pair, many, prompts),
        },
        rounds,
    )
    print(f"\n**Scoring, {pair.name}**\n\n| way | tokens/s | ours to it |\n|---|---:|---:|")
    for name, values in found.items():
        print(f"| {name} | {statistics.median(values):,.1f} | {ratio(found, 'ours', name):,.2f} |", flush=True)


def main() -> None:
    print(f"Response tokens per second, through both models of a pair where scored. {machine()}.")
    scoring(pairs.pocket(), fast=60, slow=2, rounds=15)
    scoring(pairs.small(), fast=8, slow=1, rounds=5)
    statistics_alone(pairs.pocket(torch.bfloat16), count=40, rounds=15)
    statistics_alone(pairs.small(torch.bfloat16))
    for vocabulary in (128_256, wide.VOCABULARY):
        for dtype in (torch.float32, torch.bfloat16):
            statistics_alone(pairs.wide(vocabulary, dtype))
    busy.table()
    generation.table(read_plan(generation.REPORT))
    whole.table()
    wide.table()
    stages.table(stages.named())
    scale.table()


if __name__ == "__main__":
    main()
