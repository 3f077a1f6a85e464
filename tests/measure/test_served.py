"""A model behind a real server: its numbers against transformers', each lie found, each fault survived or said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.cards import write_cards
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.responses import write_responses
from tds_atlas.pipeline.scores import write_scores
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.pipeline.store import write_database
from tds_atlas.record.shards import read_responses
from tests.conftest import ROOT
from tests.scoring_server import Scoring, served

SFT = "sft: {path: sft, dtype: float32}"


def report_on(project: Path, url: str, more: str = "", folder: str = "sft") -> Path:
    """The report with its aligned model behind a server, without probes; its weights are not there."""
    text = (project / "report.yml").read_text(encoding="utf-8")
    start, end = text.index("probes:"), text.index("generate:")
    engine = f"{{kind: served, url: {url}, model: m, retries: 2{more}}}"
    text = text[:start] + text[end:]
    text = text.replace(SFT, f"sft: {{path: {folder}, engine: {engine}}}")
    path = project / "served.yml"
    path.write_text(text.replace("name: tiny", "name: tiny\noutput: {shards: served}"), encoding="utf-8")
    return path


def without_weights(project: Path) -> None:
    (project / "files").mkdir()
    for file in (project / "sft").iterdir():
        if file.suffix != ".safetensors":
            (project / "files" / file.name).symlink_to(file.resolve())


def measured(plan: Plan) -> tuple[list[Any], list[Any], list[Any]]:
    models = lazy_models(plan)
    write_cards(plan, models)
    write_responses(plan, models)
    write_scores(plan, models)
    works = list(plan.scorings())
    tables = [[row for work in works for row in work.shard.read(name).to_pylist()] for name in ("score", "divergence")]
    return [r for _, shard in plan.response_shards() for r in read_responses(shard)], *tables


def test_a_served_model_has_the_same_answers_ranks_and_lists(project: Path) -> None:
    plain = project / "plain.yml"
    text = (project / "report.yml").read_text(encoding="utf-8")
    plain.write_text(text[: text.index("probes:")] + text[text.index("generate:") :], encoding="utf-8")
    answers, scores, divergences = measured(read_plan(plain))
    without_weights(project)
    with served(Scoring(project / "sft")) as url:
        plan = read_plan(report_on(project, url, folder="files"))
        again, rows, bounds = measured(plan)
    assert [r.token_ids for r in again] == [r.token_ids for r in answers]
    assert len(rows) == len(scores) > 100
    for ours, theirs in zip(scores, rows, strict=True):
        assert (ours["response_id"], ours["pos"], ours["condition_id"], ours["rank"]) == (
            theirs["response_id"],
            theirs["pos"],
            theirs["condition_id"],
            theirs["rank"],
        )
        np.testing.assert_allclose(theirs["logprob"], ours["logprob"], atol=1e-5)
        np.testing.assert_allclose(theirs["top_logprobs"], ours["top_logprobs"], atol=1e-5)
        assert theirs["entropy_lower"] <= ours["entropy"] + 1e-6 and ours["entropy"] <= theirs["entropy_upper"] + 1e-6
        assert (theirs["entropy"] is None) == (theirs["condition_id"] == "sft·chat")
    for ours, theirs in zip(divergences, bounds, strict=True):
        for name in ("kl_aligned_base", "kl_base_aligned", "js"):
            assert theirs[f"{name}_lower"] <= ours[name] + 1e-6
        assert ours["js"] <= theirs["js_upper"] + 1e-6 and theirs["kl_base_aligned_upper"] is None
        assert ours["kl_aligned_base"] <= theirs["kl_aligned_base_upper"] + 1e-6  # the base is known whole
        assert theirs["clamped"] is None and theirs["kl_base_aligned"] is None
    meta = next(plan.scorings()).shard.meta()
    assert "sft served by tests 0.0-test" in meta["engines"] and "base transformers" in meta["engines"]
    assert meta["loaded"]["sft"].startswith("the server passed its probe")
    write_database(plan)
    with duckdb.connect(str(plan.report.output.database), read_only=True) as con:
        sql = "SELECT condition_id, bool_and(entropy = entropy_lower AND entropy = entropy_upper), count(entropy_lower)"
        found = con.execute(f"{sql} FROM score GROUP BY ALL ORDER BY ALL").fetchall()
        assert found == [("base·plain", True, len(rows) // 2), ("sft·chat", None, len(rows) // 2)]
        sql = "SELECT count(*), count(js), count(kl_aligned_base), avg(js_lower), avg(js_upper) FROM tds"
        ((positions, js, kl, low, high),) = con.execute(sql).fetchall()
        assert positions == len(bounds) and js == kl == 0
        exact = np.mean([row["js"] for row in divergences])
        assert 0 < low <= exact <= high
        ((engines,),) = con.execute("SELECT string_agg(engine, ' ' ORDER BY model_id) FROM model").fetchall()
        assert engines == "transformers served"


def test_engines_are_compared_like_arithmetic(project: Path) -> None:
    """An A/A check with a server of the same weights: no rank changes, and JS lies between bounds that hold 0."""
    text = (project / "report.yml").read_text(encoding="utf-8")
    text = text[: text.index("probes:")] + text[text.index("generate:") :]
    with served(Scoring(project / "sft")) as url:
        check = f"noise: [{{model: sft, context: chat, engine: {{kind: served, url: {url}, model: m}}}}]"
        (project / "report.yml").write_text(text.replace("name: tiny", f"name: tiny\n{check}"), encoding="utf-8")
        plan = read_plan(project / "report.yml")
        measured(plan)
        write_database(plan)
    with duckdb.connect(str(plan.report.output.database), read_only=True) as con:
        sql = """SELECT count(*), count(*) FILTER (class_flips OR rank <> rank_again),
                        max(abs(logprob - logprob_again)), count(js) FROM noise"""
        ((positions, changes, furthest, js),) = con.execute(sql).fetchall()
        ((low, high),) = con.execute("SELECT max(js_lower), min(js_upper) FROM paired WHERE kind = 'noise'").fetchall()
        ((said,),) = con.execute("SELECT value FROM run WHERE key = 'measured_engines'").fetchall()
    assert positions > 20 and changes == 0 and furthest < 1e-5 and js == 0
    assert low < 1e-5 and high > 0
    assert "sft served by tests 0.0-test" in said and "sft transformers" in said


@pytest.mark.parametrize(
    ("lie", "check"),
    [
        ("silent", "ids"),
        ("ids", "ids"),
        ("texts", "ids"),
        ("begin", "begin"),
        ("first", "first"),
        ("own", "own"),
        ("k", "k"),
        ("sum", "sum"),
        ("logits", "sum"),
        ("ranks", "ranks"),
        ("twice", "twice"),
    ],
)
def test_a_server_that_lies_is_refused_at_the_start(project: Path, lie: str, check: str) -> None:
    scoring = Scoring(project / "sft", lie)
    with served(scoring) as url:
        plan = read_plan(report_on(project, url))
        with pytest.raises(InputError, match=rf"models.sft.engine: {url}: check `{check}`: .+; .+") as caught:
            measured(plan)
    assert "\n" not in str(caught.value) and scoring.asked <= 3
    assert not any(shard.exists() for _, shard in plan.response_shards())


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (["503", "429"], None),
        (["drop", "503"], None),
        (["503"] * 9, r"status 503: not now, tried 3 times; start it, or run again later; finished shards are kept"),
        (["drop"] * 9, r"the connection broke off, tried 3 times"),
        (["slow"] * 9, r"no answer within 1 s, tried 3 times"),
        (["404"], r"/v1/completions: status 404: not now$"),
        (["text"], r"answers with something else than JSON"),
    ],
)
def test_a_fault_is_tried_again_a_few_times(project: Path, faults: list[str], message: str | None) -> None:
    scoring = Scoring(project / "sft", faults=faults)
    with served(scoring) as url:
        plan = read_plan(report_on(project, url, ", timeout: 1"))
        start = time.monotonic()
        if message is None:
            measured(plan)
            assert not scoring.faults
            return
        with pytest.raises(InputError, match=message) as caught:
            measured(plan)
    assert "\n" not in str(caught.value) and time.monotonic() - start < 20


def test_a_key_comes_from_the_environment_and_is_shown_nowhere(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TDS_TEST_KEY", raising=False)
    with served(Scoring(project / "sft", key="sesame-9")) as url:
        plan = read_plan(report_on(project, url, ", key_env: TDS_TEST_KEY"))
        with pytest.raises(InputError, match="the environment variable TDS_TEST_KEY holds no key"):
            measured(plan)
        monkeypatch.setenv("TDS_TEST_KEY", "wrong-7")
        with pytest.raises(InputError, match=r"status 401: wrong key: Bearer \.\.\.; name the environment") as caught:
            measured(plan)
        assert "wrong-7" not in str(caught.value)
        monkeypatch.setenv("TDS_TEST_KEY", "sesame-9")
        measured(plan)
    written = b"".join(path.read_bytes() for path in project.rglob("served/*/*/*"))
    assert written and b"sesame-9" not in written and "sesame-9" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("{kind: served, url: 'ftp://x', model: m}", r"models.sft.engine.served.url: not the address of a server"),
        ("{kind: served, url: 'http://u:p@x', model: m}", r"engine.served.url: holds a user or a password"),
        ("{kind: served, url: 'http://x'}", r"models.sft.engine.served.model: missing"),
        (
            "{kind: served, url: 'http://x', model: m, key: k}",
            r"served.key: unknown key; allowed here: kind, url, model",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(project: Path, engine: str, message: str) -> None:
    text = (project / "report.yml").read_text(encoding="utf-8").replace(SFT, f"sft: {{path: sft, engine: {engine}}}")
    (project / "report.yml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_plan(project / "report.yml")
    assert "\n" not in str(caught.value) and "u:p" not in str(caught.value)


def test_probes_and_other_arithmetic_need_the_model_itself(project: Path) -> None:
    text = (project / "report.yml").read_text(encoding="utf-8")
    engine = "sft: {path: sft, engine: {kind: served, url: 'http://x', model: m}}"
    (project / "report.yml").write_text(text.replace(SFT, engine), encoding="utf-8")
    with pytest.raises(InputError, match=r"probes.swap: model sft runs on served, probes need transformers"):
        read_plan(project / "report.yml")
    noise = "name: tiny\nnoise: [{model: sft, context: chat, arithmetic: rebatched}]"
    path = report_on(project, "http://127.0.0.1:9")
    path.write_text(path.read_text(encoding="utf-8").replace("name: tiny", noise), encoding="utf-8")
    with pytest.raises(InputError, match=r"noise.0.arithmetic: model sft runs on served, as it is; give engine"):
        read_plan(path)


@contextmanager
def process(folder: Path, pause: float, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server in a process of its own."""
    command = [sys.executable, "-m", "tests.scoring_server", str(folder), "--pause", str(pause), "--port", str(port)]
    path = os.pathsep.join([str(ROOT / "builder"), str(ROOT)])
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}
    )
    try:
        assert server.stdout is not None
        yield server, server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def test_a_server_killed_in_the_middle_costs_what_was_not_finished(project: Path) -> None:
    """Killed while it scores: one line; once it is back, the run goes on, and the rows are those of a quiet run."""
    with served(Scoring(project / "sft")) as url:
        quiet = measured(read_plan(report_on(project, url)))
    with process(project / "sft", 0.1) as (server, url):
        plan = read_plan(report_on(project, url, ", requests_at_once: 1"))
        models = lazy_models(plan)
        write_cards(plan, models)
        write_responses(plan, models)
        killer = threading.Thread(target=kill_after_a_shard, args=(plan, server))
        killer.start()
        with pytest.raises(
            InputError, match=r"models.sft.engine: .*(nothing answers|broke off).*finished shards are kept"
        ):
            write_scores(plan, models)
        killer.join()
    done = [work.shard.exists() for work in plan.scorings()]
    assert any(done) and not all(done)
    with process(project / "sft", 0, int(url.rpartition(":")[2])) as (_, back):
        assert back == url
        resumed = measured(plan)
    for ours, theirs in zip(quiet, resumed, strict=True):
        assert ours == theirs


def kill_after_a_shard(plan: Plan, server: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and not any(work.shard.exists() for work in plan.scorings()):
        time.sleep(0.01)
    server.send_signal(signal.SIGKILL)
