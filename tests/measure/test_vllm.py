"""The engine `vllm` beside `transformers`, on vLLM itself: `make vllm` installs it and runs these (ten minutes)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psutil
import pytest
import torch

from tds_atlas.domain import InputError, Sampling
from tds_atlas.inputs.checkpoints import Checkpoint, locate
from tds_atlas.inputs.engine_settings import VllmSettings
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.vllm.model import VllmModel, start
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.steps import measure
from tests import quantise, tiny
from tests.conftest import POCKET, ROOT
from tests.measure.test_worker import gone

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif("TDS_VLLM_PYTHON" not in os.environ, reason="no TDS_VLLM_PYTHON: run make vllm"),
]

FIFTY = """
name: fifty
title: Fifty answers
models:
  base: {path: %(pocket)s/base, dtype: float32, engine: %(engine)s}
  dpo: {path: %(pocket)s/dpo, dtype: float32, engine: %(engine)s}
contexts:
  plain: {kind: plain, template: "# Question:\\n{prompt}\\n\\n# Answer:\\n"}
  chat: {kind: chat}
prompts: {path: %(root)s/data/prompts/pocket.jsonl, limit: 50}
comparisons:
  - {base: {model: base, context: plain}, aligned: {model: dpo, context: chat}}
noise: [%(noise)s]
shard_responses: 10
output: {shards: shards, database: %(name)s.duckdb}
"""
NOISE = "{model: dpo, context: chat, engine: vllm}, {model: base, context: plain, engine: vllm}"


def write(folder: Path, name: str, engine: str, noise: str = "") -> Path:
    path = folder / f"{name}.yml"
    given = {"pocket": POCKET, "root": ROOT, "engine": engine, "noise": noise, "name": name}
    path.write_text(FIFTY % given, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same fifty answers measured by transformers, by vllm, and by the one with the other as A/A."""
    folder, before = tmp_path_factory.mktemp("fifty"), Path.cwd()
    os.chdir(folder)
    try:
        measure(read_plan(write(folder, "one", "transformers", NOISE)))
        measure(read_plan(write(folder, "other", "vllm")))
    finally:
        os.chdir(before)
    return folder


def test_an_a_a_check_finds_no_rank_that_differs(fifty: Path) -> None:
    with duckdb.connect(str(fifty / "one.duckdb"), read_only=True) as con:
        rows = con.sql("SELECT * FROM noise WHERE arithmetic = 'vllm'").fetchdf()
    assert rows.comparison_id.nunique() == 2 and len(rows) > 2000
    differ = rows[rows["rank"] != rows.rank_again]
    assert differ.empty, differ.to_string()
    assert rows.kl_again_first.abs().max() < 1e-6 and rows.js.max() < 1e-6


def test_greedy_answers_and_numbers_are_those_of_transformers(fifty: Path) -> None:
    with duckdb.connect() as con:
        for name in ("one", "other"):
            con.execute(f"ATTACH '{fifty / name}.duckdb' AS {name} (READ_ONLY)")
        answers = "SELECT response_id, pos, token_id, text, finish FROM {0}.response JOIN {0}.position USING (response_id) ORDER BY 1, 2"
        assert con.sql(answers.format("one")).fetchall() == con.sql(answers.format("other")).fetchall()
        rows = con.sql(
            "SELECT a.rank = b.rank AS same, abs(a.logprob - b.logprob) AS own, abs(a.entropy - b.entropy) AS entropy, "
            "list_max([abs(x[1] - x[2]) FOR x IN list_zip(a.top_logprobs, b.top_logprobs)]) AS listed, "
            "a.top_ids = b.top_ids AS order_ FROM one.score a JOIN other.score b USING (response_id, condition_id, pos)"
        ).fetchdf()
        assert len(rows) > 2500 and rows.same.all()
        assert rows[["own", "entropy", "listed"]].max().max() < 1e-4
        assert rows.order_.mean() > 0.97, "where lists have another order, their entries are closer than that"
        apart = con.sql(
            "SELECT count(*), max(abs(a.kl_aligned_base - b.kl_aligned_base)), max(abs(a.kl_base_aligned - b.kl_base_aligned)), "
            "max(abs(a.js - b.js)) FROM one.divergence a JOIN other.divergence b USING (response_id, comparison_id, pos)"
        ).fetchall()[0]
        assert apart[0] > 1250 and max(apart[1:]) < 1e-4, apart
        ((engines,),) = con.sql("SELECT value FROM other.run WHERE key = 'measured_engines'").fetchall()
        assert re.fullmatch(r"base vllm [\d.]+, dpo vllm [\d.]+", engines)


def test_a_worker_killed_in_the_middle_is_one_line_and_the_next_run_ends_it(fifty: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "other", "vllm")
    command = [sys.executable, "-m", "tds_atlas", "store", "--report", str(path)]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    shards = tmp_path / "shards"
    while not list(shards.glob("scores*/*")) and run.poll() is None:
        time.sleep(0.05)
    workers = [p for p in psutil.Process(run.pid).children() if "worker.py" in " ".join(p.cmdline())]
    assert len(workers) == 2, "one for each model"
    workers[0].send_signal(signal.SIGKILL)
    _, errors = run.communicate(timeout=600)
    assert run.returncode == 2
    last = errors.strip().splitlines()[-1]
    assert re.search(r"models\.(base|dpo): vllm: its process is gone \(signal 9; the system ends a process so", last), (
        errors
    )
    assert gone(*(worker.pid for worker in workers)) and not (tmp_path / "other.duckdb").exists()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{tmp_path}/other.duckdb' AS again (READ_ONLY)")
        con.execute(f"ATTACH '{fifty}/other.duckdb' AS other (READ_ONLY)")
        for table in ("response", "score", "divergence"):
            assert con.sql(f"(FROM again.{table}) EXCEPT (FROM other.{table})").fetchall() == []
            assert con.sql(f"(FROM other.{table}) EXCEPT (FROM again.{table})").fetchall() == []


def located(folder: Path, dtype: str = "float32") -> Checkpoint:
    return locate("m", {"m": ModelSettings(path=folder, dtype=dtype)})


def model(folder: Path, dtype: str = "float32", **settings: int) -> VllmModel:
    return start(located(folder, dtype), dtype, VllmSettings(**settings), (2,), "cpu")


def test_a_text_that_is_too_long_for_the_cache_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^models\.m: vllm: .*(max_model_len|max_position_embeddings)") as error:
        model(POCKET / "base", max_model_len=100_000_000).greedy([(1, 2)], 2)
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_a_model_that_vllm_does_not_know_is_one_line(tmp_path: Path) -> None:
    from transformers import RwkvConfig, RwkvForCausalLM

    RwkvForCausalLM(RwkvConfig(vocab_size=340, hidden_size=32, num_hidden_layers=2)).save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"^models\.m: vllm: .*RwkvForCausalLM"):
        model(tmp_path).greedy([(1, 2)], 2)


def test_a_quantised_checkpoint_is_that_of_its_weights_written_out(tmp_path: Path) -> None:
    """INT4 packed by compressed-tensors, in bfloat16: far nearer to its own weights than quantising moved them."""
    plain = quantise.save(tmp_path / "plain", POCKET / "base", quantise.int4(tmp_path / "int4", POCKET / "base"), None)
    row = tuple(range(3, 90))
    found = []
    for folder, dtype in ((plain, "float32"), (POCKET / "base", "float32"), (tmp_path / "int4", "bfloat16")):
        one = model(folder, dtype) if dtype == "bfloat16" else Models("cpu").model(located(folder))
        with torch.inference_mode():
            found.append(one.head(one.states([row], [len(row)])[0]).float().log_softmax(-1))
    written_out, whole, own = found
    near, moved = ((written_out.exp() * (written_out - other)).sum(-1).mean() for other in (own, whole))
    assert float(near) < float(moved) / 10, (near, moved)


def test_drawn_answers_are_each_by_a_seed_of_its_own() -> None:
    """Alone or beside others, in any order; at the least temperature they are the greedy ones."""
    prompts, made = [tuple(range(3, 20)), *[(5, 6, 7)] * 6], model(POCKET / "dpo")
    sampling, seeds = Sampling(1.5, repetition_penalty=1.1, top_k=200, top_p=0.95, min_p=0.01), list(range(7))
    found = made.sampled(prompts, 24, sampling, seeds)
    assert len(set(found[1:])) > 2
    assert [made.sampled([prompts[i]], 24, sampling, [i])[0] for i in (6, 3, 0)] == [found[i] for i in (6, 3, 0)]
    assert made.sampled(prompts, 24, Sampling(1.0, top_k=1), seeds) == made.greedy(prompts, 24)
    made.session.close()


def test_two_processes_for_one_model_give_the_same(tmp_path: Path) -> None:
    """Tensor parallelism, here over two processes of a CPU."""
    prompts = [tuple(range(3, 20)), (5, 6, 7)]
    one, two = model(POCKET / "dpo"), model(POCKET / "dpo", tensor_parallel_size=2)
    assert one.greedy(prompts, 24) == two.greedy(prompts, 24)
    assert two.head is not None
    for a, b in zip(one.states(prompts, [17, 2]), two.states(prompts, [17, 2]), strict=True):
        assert a.shape == b.shape and float((a - b).abs().max()) < 1e-3
    parents = [two.session.running["bodies"]._process.pid]
    children = [p.pid for p in psutil.Process(parents[0]).children(recursive=True)]
    assert children, "vLLM started processes of its own"
    two.session.close()
    assert gone(*parents, *children)
    one.session.close()
