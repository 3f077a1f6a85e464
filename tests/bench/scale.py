"""The report and site stages on 300 to 3,000 example pages of 336 tokens: time and memory a page, how they grow, and search.

The database is made of the pocket report's records: an answer is many of its answers one behind the other, with all that
was measured at their positions. Alone: python -m tests.bench.scale [PAGES ...]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from tds_atlas.record.schema import SQL, STORAGE_VERSION, create_views
from tds_atlas.record.sealed import quiet
from tests.bench.search import measure
from tests.bench.whole import ROOT, tds

COMPARISONS, TOKENS = ("base-sft", "base-dpo", "sft-dpo"), 336
_PLAN = f"""
CREATE TEMP TABLE compared AS FROM source.comparison WHERE comparison_id IN {COMPARISONS};
CREATE TEMP TABLE plan AS
WITH old AS (
    SELECT *, row_number() OVER (PARTITION BY source ORDER BY response_id) - 1 AS i, count(*) OVER (PARTITION BY source) AS n,
           round({TOKENS} / (avg(n_tokens - 1) OVER (PARTITION BY source)))::INTEGER AS parts
    FROM source.response
), part AS (
    SELECT source, answer, part, (answer * parts + part * (1 + answer // n)) % n AS i
    FROM (SELECT DISTINCT source, parts, n FROM old), range(getvariable('prompts')) a(answer), range(parts) p(part)
)
SELECT source, answer, part, response_id AS old_id, source || '/made-' || answer AS response_id,
       sum(n_tokens - 1) OVER w - n_tokens + 1 AS before, sum(length(text)) OVER w - length(text) AS chars,
       part = max(part) OVER (PARTITION BY source, answer) AS is_last
FROM part JOIN old USING (source, i)
WINDOW w AS (PARTITION BY source, answer ORDER BY part);
CREATE TEMP TABLE place AS
SELECT plan.response_id, old_id, p.pos AS old_pos, (before + p.pos)::INTEGER AS pos, token_id,
       (chars + char_start)::INTEGER AS char_start, (chars + char_end)::INTEGER AS char_end, is_end, role
FROM plan JOIN source."position" p ON p.response_id = old_id
WHERE is_last OR p.pos < (SELECT n_tokens - 1 FROM source.response r WHERE r.response_id = old_id);
"""
_TABLES = {
    **{name: f"FROM source.{name}" for name in ("run", "model", "context", "token")},
    "condition": """FROM source.condition WHERE condition_id IN (
        SELECT unnest([base_condition_id, aligned_condition_id]) FROM compared)""",
    "comparison": "FROM compared",
    "prompt": """SELECT 'made-' || answer AS prompt_id, answer + 1 AS ordinal, q.* EXCLUDE (prompt_id, ordinal, i)
        FROM (SELECT DISTINCT answer FROM plan)
        JOIN (SELECT *, row_number() OVER (ORDER BY ordinal) - 1 AS i FROM source.prompt) q
          ON i = answer % (SELECT count(*) FROM source.prompt)""",
    "response": """SELECT plan.response_id, 'made-' || answer AS prompt_id, any_value(plan.source) AS source,
               any_value(condition_id) AS condition_id, string_agg(text, '' ORDER BY part) AS text,
               any_value(n.n_tokens) AS n_tokens, arg_max(finish, part) AS finish, bool_or(boundary) AS boundary
        FROM plan JOIN source.response r ON r.response_id = old_id
        JOIN (SELECT response_id, count(*)::INTEGER AS n_tokens FROM place GROUP BY ALL) n ON n.response_id = plan.response_id
        GROUP BY plan.response_id, answer""",
    "position": "SELECT * EXCLUDE (old_id, old_pos) FROM place",
    "score": """SELECT place.response_id, place.pos, s.* EXCLUDE (response_id, pos)
        FROM place JOIN source.score s ON s.response_id = old_id AND s.pos = old_pos
        WHERE condition_id IN (SELECT condition_id FROM condition)""",
    "divergence": """SELECT place.response_id, place.pos, d.* EXCLUDE (response_id, pos)
        FROM place JOIN source.divergence d ON d.response_id = old_id AND d.pos = old_pos
        WHERE comparison_id IN (SELECT comparison_id FROM compared)""",
}


@dataclass(frozen=True)
class Built:
    pages: int
    tokens: float  # mean a page
    report: float  # seconds
    site: float  # seconds
    peaks: list[float]  # MB, of both processes of the report stage
    size: float  # MB, of the site
    search: tuple[float, float]  # the longest wait for what search finds, in ms, and the largest transfer, in kB


def enlarge(source: Path, target: Path, prompts: int) -> None:
    """A database of `prompts` prompts with long answers of each model, made of the records of another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(target), config={"storage_compatibility_version": STORAGE_VERSION}) as con:
        quiet(con)
        con.execute(f"ATTACH '{source}' AS source (READ_ONLY)")
        con.execute(SQL["schema"])
        con.execute(f"SET VARIABLE prompts = {prompts}; {_PLAN}")
        for table, rows in _TABLES.items():
            con.execute(f'INSERT INTO "{table}" BY NAME {rows}')
        create_views(con)


def build(source: Path, pages: int) -> Built:
    """Both stages, each as a run of its own in a fresh project."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        shutil.copytree(ROOT / "site_src", here / "site_src")
        shutil.copyfile(ROOT / "mkdocs.yml", here / "mkdocs.yml")
        database = here / "data" / "tds.duckdb"
        enlarge(source, database, pages // len(COMPARISONS))
        with duckdb.connect(str(database), read_only=True) as con:
            (tokens,) = con.execute("SELECT avg(n_tokens) FROM example").fetchall()[0]
        report, peaks, _ = tds(here, "report")
        site, _, _ = tds(here, "site", "--db", "data/tds.duckdb")
        made = [path for path in (here / "site").rglob("*") if path.is_file()]
        drawn = sum(path.parent.parent.name == "examples" and path.suffix == ".html" for path in made)
        return Built(
            drawn, tokens, report, site, peaks, sum(path.stat().st_size for path in made) / 1e6, measure(here / "site")
        )


def fit(built: list[Built], stage: str) -> str:
    """Least squares of seconds over pages, and the exponent of growth from the smallest to the largest."""
    pages, seconds = [b.pages for b in built], [getattr(b, stage) for b in built]
    slope, start = np.polyfit(pages, seconds, 1)
    power = np.polyfit(np.log(pages), np.log(np.maximum(np.array(seconds) - max(start, 0), 1e-3)), 1)[0]
    return f"{stage}: {start:.1f} s + {1000 * slope:.1f} ms a page (exponent beyond the constant: {power:.2f})"


def table(counts: tuple[int, ...] = (300, 1000, 3000)) -> None:
    print(f"\n**Report and site, {len(COMPARISONS)} comparisons, answers of about {TOKENS} tokens**\n")
    print("| pages | tokens a page | report | site | report a page | site a page | memory | site's size | search |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    subprocess.run([sys.executable, "-m", "tds_atlas", "store"], cwd=ROOT, check=True, capture_output=True)
    built = []
    for count in counts:
        b = build(ROOT / "data" / "tds.duckdb", count)
        built.append(b)
        a_page = " | ".join(f"{1000 * seconds / b.pages:.1f} ms" for seconds in (b.report, b.site))
        memory = " + ".join(f"{peak:,.0f}" for peak in b.peaks)
        row = f"| {b.pages:,} | {b.tokens:.0f} | {b.report:.1f} s | {b.site:.1f} s | {a_page} | {memory} MB |"
        print(f"{row} {b.size:,.0f} MB | {b.search[0]:.0f} ms, {b.search[1]:.0f} kB |", flush=True)
    if len(built) > 1:
        print(f"\n{fit(built, 'report')}; {fit(built, 'site')}")


if __name__ == "__main__":
    table(tuple(map(int, sys.argv[1:])) or (300, 1000, 3000))
