"""Storing a million positions and more, with lists and without: seconds, size, memory, the main questions, and the fit.

Shards are made up: 64 answers of 320 tokens, two conditions with lists of 30, whose numbers nothing compresses. Seconds
are of the processor, all threads together: they count on a busy machine, too. Alone:
python -m tests.bench.rows [POSITIONS ...]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tds_atlas.domain import Divergence, Response, Score
from tds_atlas.record.score_tables import divergence_table, score_table
from tds_atlas.record.shards import Shard, response_table, rows_table
from tds_atlas.record.store import store
from tds_atlas.report import query
from tests.bench.whole import ROOT, process
from tests.record.made import made_records

ANSWERS, TOKENS, K, VARIANTS = 64, 320, 30, 4
PAPER = 3_000_000_000  # score rows: a million answers of 300 tokens under ten conditions
QUESTIONS = {
    "classes": "SELECT comparison_id, shift, count(*) FROM tds GROUP BY ALL",
    "KL by position": "SELECT comparison_id, pos, avg(kl_aligned_base), avg(js) FROM divergence GROUP BY ALL",
    "shift by position": """
        SELECT condition_id, pos, count(*) FILTER (rank > 3) / count(*), avg(entropy) FROM score GROUP BY ALL""",
    "answers": "SELECT count(*), avg(shifted_share), max(mean_kl_aligned_base_nats) FROM example",
    "one answer": "SELECT pos, token_id, base_rank, jaccard_10 FROM tds WHERE response_id = 'a/7' ORDER BY pos",
}


@dataclass(frozen=True)
class Stored:
    lists: str
    rows: int  # of scores
    seconds: float  # of the processor
    size: float  # MB
    peak: float  # MB
    asked: dict[str, float]  # question -> seconds of the processor


def write_shards(root: Path, positions: int) -> tuple[list[Shard], list[Shard]]:
    """As many shards of answers and of scores as hold so many positions."""
    count = -(-positions // (ANSWERS * TOKENS))
    answers = [Shard(root, "responses", f"{i:06d}") for i in range(count)]
    scores = [Shard(root, "scores", f"{i:06d}") for i in range(count)]
    parts = [list(_numbers(np.random.default_rng(seed))) for seed in range(VARIANTS)]
    for i, (first, second) in enumerate(zip(answers, scores, strict=True)):
        names = [f"a/{i * ANSWERS + n}" for n in range(ANSWERS)]
        ids, spans = tuple(range(TOKENS)), tuple((n, n + 1) for n in range(TOKENS))
        rows = [Response(name, "1", "a", None, "x" * TOKENS, ids, spans, True, "stop") for name in names]
        first.write({"response": response_table(rows)}, {})
        said, apart = zip(*parts[i % VARIANTS], strict=True)
        two = [replace(score, response_id=name) for name, pair in zip(names, said, strict=True) for score in pair]
        far = [replace(d, response_id=name) for name, d in zip(names, apart, strict=True)]
        second.write({"score": score_table(two), "divergence": divergence_table(far)})
    return answers, scores


def _numbers(draw: np.random.Generator) -> Iterator[tuple[list[Score], Divergence]]:
    """An answer's scores under both conditions, and their divergences."""
    for _ in range(ANSWERS):
        said = []
        for condition in "xy":
            logprob = np.log(draw.random(TOKENS, dtype=np.float32))
            rank = draw.geometric(0.6, TOKENS).astype(np.int32)
            top = draw.integers(0, 128_000, (TOKENS, K), dtype=np.int32)
            tops = -np.sort(draw.exponential(5, (TOKENS, K)).astype(np.float32), axis=1)
            said.append(Score("", condition, logprob, rank, draw.random(TOKENS, dtype=np.float32), top, tops))
        far = [draw.random(TOKENS, dtype=np.float32) for _ in range(3)]
        yield said, Divergence("", "c", *far, np.zeros(TOKENS, np.float32))


def _cards(one: Shard) -> Shard:
    """With both conditions."""
    both = Shard(one.root, one.kind, "both")
    if not both.exists():
        tables = {name: one.read(name) for name in ("model", "condition", "token", "reading")}
        rows = tables["condition"].to_pylist()
        both.write(tables | {"condition": rows_table([row | {"condition_id": c} for row in rows for c in "xy"])}, {})
    return both


def measure(folder: Path, positions: int, lists: str) -> Stored:
    """Store shards that are there, then ask: in this process."""
    keys = sorted(path.name for path in (folder / "scores").iterdir())[: -(-positions // (ANSWERS * TOKENS))]
    answers, scores = ([Shard(folder, kind, key) for key in keys] for kind in ("responses", "scores"))
    made = made_records(folder / "made", 1)
    records = replace(
        made, cards=_cards(made.cards), responses=answers, scores=scores, lists_are_stored=lists == "database"
    )
    database = folder / f"{lists}.duckdb"
    start = time.process_time()
    store(database, records)
    seconds, asked = time.process_time() - start, {}
    for name, sql in QUESTIONS.items():
        with query.connect(database, config=query.FRUGAL) as con:
            start = time.process_time()
            assert con.execute(sql).fetchall()
            asked[name] = time.process_time() - start
    return Stored(lists, 2 * len(keys) * ANSWERS * TOKENS, seconds, database.stat().st_size / 1e6, 0, asked)


def fit(stored: list[Stored], attribute: str) -> tuple[float, float]:
    """What there is without rows, and what a row costs: least squares; of one size alone, its mean."""
    rows, values = [s.rows for s in stored], [getattr(s, attribute) for s in stored]
    if len(stored) == 1:
        return 0.0, values[0] / rows[0]
    slope, start = np.polyfit(rows, values, 1)
    return float(start), float(slope)


def table(counts: tuple[int, ...]) -> None:
    print(f"\n**Storing, two conditions, lists of {K}: seconds of the processor**\n")
    print(f"| lists in | score rows | store | a row | size | a row | memory | {' | '.join(QUESTIONS)} |")
    print(f"|---|{'---:|' * (6 + len(QUESTIONS))}")
    stored: list[Stored] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_shards(folder, max(counts))
        for lists in ("database", "shards"):
            for count in counts:
                stored.append(s := _alone(folder, count, lists))
                row = f"| {s.lists} | {s.rows:,} | {s.seconds:.1f} s | {1e6 * s.seconds / s.rows:.2f} us | {s.size:,.0f} MB"
                row += f" | {1e6 * s.size / s.rows:.1f} B | {s.peak:,.0f} MB | "
                print(row + " | ".join(f"{t:.2f} s" for t in s.asked.values()) + " |", flush=True)
    for lists in ("database", "shards"):
        own = [s for s in stored if s.lists == lists]
        (start, second), (_, byte) = fit(own, "seconds"), fit(own, "size")
        print(
            f"\nLists in the {lists}: {start:.1f} s + {1e6 * second:.2f} us and {1e6 * byte:.1f} B a row; on paper, "
            f"{PAPER:.0e} rows: {PAPER * second / 3600:.1f} h of one core, {PAPER * byte / 1000:,.0f} GB"
        )


def _alone(folder: Path, count: int, lists: str) -> Stored:
    """In a process of its own, for its peak of memory."""
    out = folder / "said.json"
    _, peaks, _ = process(ROOT, "-m", "tests.bench.rows", str(folder), str(count), lists, str(out))
    (folder / f"{lists}.duckdb").unlink()
    return Stored(**json.loads(out.read_text(encoding="utf-8")) | {"peak": max(peaks)})


if __name__ == "__main__":
    if len(sys.argv) == 5 and not sys.argv[1].isdecimal():
        found = measure(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
        Path(sys.argv[4]).write_text(json.dumps(vars(found)), encoding="utf-8")
    else:
        table(tuple(map(int, sys.argv[1:])) or (1_000_000, 10_000_000))
