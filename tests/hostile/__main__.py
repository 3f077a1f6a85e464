"""Try every case, print the table, and name each that did not end as it should. Words name some kinds alone."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

from tests.command import import_all
from tests.hostile import checkpoints, outputs, pages, recordings, records, rows, settings
from tests.hostile.case import Case, Outcome, failed, table, verdict
from tests.hostile.process import run
from tests.hostile.seeds import make_seeds
from tests.hostile.strings import STRINGS

KINDS = (settings, rows, recordings, checkpoints, records, outputs)
_LIBRARIES = ("transformers.models.llama.modeling_llama", "transformers.generation.utils", "peft", "pyarrow.parquet")


def main(*words: str) -> int:
    """How many cases did not end as they should."""
    import_all(_LIBRARIES)
    cases = [case for kind in KINDS for case in kind.cases() if _wanted(f"{case.kind}: {case.name}", words)]
    made: dict[str, list[dict[str, bool]]] = {}
    faults, start = 0, time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        sound = make_seeds(Path(folder), {case.seed for case in cases}) if cases else {}
        for i, case in enumerate(cases, 1):
            outcome = run(case, Path(folder), sound)
            row = verdict(case, outcome)
            if i % 100 == 0:
                print(f"{i} of {len(cases)}", file=sys.stderr)
            made.setdefault(case.kind, []).append(row)
            if failed(row):
                faults += 1
                print(describe(case, outcome, row), flush=True)
        if _wanted("pages", words):
            seen, lines = pages.main(Path(folder) / "pages")
            made, faults = made | seen, faults + len(lines)
            print("\n".join(lines))
    print("\n".join(table(made)))
    print(f"{len(cases)} malformed inputs and {len(STRINGS)} hostile texts in {time.monotonic() - start:.0f} s")
    return faults


def _wanted(name: str, words: tuple[str, ...]) -> bool:
    return not words or any(word in name for word in words)


def describe(case: Case, outcome: Outcome, row: dict[str, bool]) -> str:
    wrong = [name for name in ("traceback", "silent", "hang", "lost") if row[name]] or ["another line"]
    said = outcome.err.strip()[-600:] or outcome.out.strip()[-200:]
    lost = f"; lost: {', '.join(outcome.lost)}" if outcome.lost else ""
    return (
        f"{case.kind}: {case.name}: {', '.join(wrong)} (exit {outcome.code}{lost}), expected {case.line!r}\n    {said}"
    )


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
