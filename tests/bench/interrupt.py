"""`make interrupt`: kill -9 a pocket run at random moments, resume each, and compare every table with an undisturbed run.

Half of the runs draw their answers.
"""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.pipeline.test_resume import content

ROOT = Path(__file__).parent.parent.parent
PROMPTS, KILLS = 64, 30
TDS = [sys.executable, "-m", "tds_atlas", "store", "--report"]


def write_report(folder: Path, drawn: bool) -> Path:
    """The default report on fewer prompts, in smaller shards, with outputs below a folder of its own."""
    text = (ROOT / "data/reports/pocket.yml").read_text(encoding="utf-8")
    if drawn:
        text = text.replace("temperature: null", "temperature: 1").replace("samples: 1\n", "samples: 2\n")
    text = text.replace("../", f"{ROOT}/data/").replace("jsonl, limit: null", f"jsonl, limit: {PROMPTS}")
    text = text.replace("shard_responses: 64", "shard_responses: 8").replace(": data/", f": {folder}/")
    path = folder / "report.yml"
    path.write_text(text, encoding="utf-8")
    return path


def content_hash(database: Path) -> str:
    """One hash over all tables but the record of the run, whose timings differ."""
    return hashlib.sha256(repr(content(database)).encode()).hexdigest()


def killed_and_resumed(folder: Path, drawn: bool, after: float) -> tuple[str, str]:
    """Kill a run after so many seconds, run again to the end; the hash, and how far the first run had come."""
    report = write_report(folder, drawn)
    process = subprocess.Popen([*TDS, str(report)], stderr=subprocess.DEVNULL)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    have = {kind: len(list((folder / "shards" / kind).glob("[!.]*"))) for kind in ("cards", "responses", "scores")}
    subprocess.run([*TDS, str(report)], check=True, stderr=subprocess.DEVNULL)
    left = [p.name for p in folder.rglob(".*part*") if p.is_file() and p.parent == folder]
    state = ", ".join(f"{n} {kind}" for kind, n in have.items()) + (", left over: " + ", ".join(left) if left else "")
    return content_hash(folder / "tds.duckdb"), state


def undisturbed(drawn: bool) -> tuple[str, float]:
    """The hash of a whole run, and how many seconds it takes."""
    with tempfile.TemporaryDirectory() as name:
        start = time.monotonic()
        subprocess.run([*TDS, str(write_report(Path(name), drawn))], check=True, stderr=subprocess.DEVNULL)
        whole, seconds = content_hash(Path(name) / "tds.duckdb"), time.monotonic() - start
    print(f"undisturbed{', drawn' if drawn else ''}: {seconds:.1f} s, tables {whole[:16]}", flush=True)
    return whole, seconds


def main() -> None:
    draw, wholes = random.Random(0), [undisturbed(drawn) for drawn in (False, True)]
    different = 0
    for i in range(1, KILLS + 1):
        whole, seconds = wholes[i % 2]
        with tempfile.TemporaryDirectory() as name:
            after = draw.uniform(0, seconds)
            found, state = killed_and_resumed(Path(name), bool(i % 2), after)
        different += found != whole
        same = "the same" if found == whole else "DIFFERENT"
        print(f"{i:2} of {KILLS}: killed after {after:5.2f} s ({state}); resumed: {same}", flush=True)
    if different:
        sys.exit(f"{different} of {KILLS} resumed runs have other tables")


if __name__ == "__main__":
    main()
