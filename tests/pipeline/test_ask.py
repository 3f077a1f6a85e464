"""`tds show` and `tds check`: one question on the spot, and everything that can be known beforehand."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.pipeline.ask import ScoredAnswer, ScoredToken, ask, render
from tds_atlas.pipeline.check import check
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.sides import lazy_models
from tds_atlas.report.table_formats import json_text
from tests import tiny
from tests.cli.test_cli import refused
from tests.command import tds
from tests.measure.test_score import measured, without


def token(text: str, shift: str, top: str = "x", is_end: bool = False) -> ScoredToken:
    rank = {"unshifted": 1, "marginal": 3, "shifted": 9}[shift]
    return ScoredToken(0, 5, text, is_end, shift, rank, 1, -1.0, -0.5, top, text, 0.1, 0.1, 0.1)


def shown(*tokens: ScoredToken) -> ScoredAnswer:
    return ScoredAnswer("?", "c", "base·plain", "sft·chat", "".join(t.text for t in tokens), "stop", tokens)


def test_a_shifted_token_stands_under_what_the_base_would_say() -> None:
    made = shown(token("One", "unshifted"), token(" two", "shifted", " 天地"), token("\n\x1b[2J3", "marginal", "no"))
    lines = render(made, 80, colour=False).plain.splitlines()
    assert lines[:3] == ["    天地", "One «two»", "‹\\x1b[2J3›"]
    assert lines[4:7] == [
        "unshifted 33.3 %  the base's first choice",
        "‹marginal› 33.3 %  its second or third",
        "«shifted» 33.3 %  lower",
    ]
    coloured = render(made, 80, colour=True)
    assert "«" not in coloured.plain and {str(span.style) for span in coloured.spans} >= {
        "yellow",
        "bold red underline",
    }


@pytest.mark.parametrize("width", [12, 40])
def test_lines_keep_to_the_width_and_lose_no_word(width: int) -> None:
    words = [f" word{i}" for i in range(30)]
    text = render(shown(*(token(w, "shifted", " instead") for w in words)), width, colour=False).plain
    answer = text.split("\n\n")[0].splitlines()
    assert all(len(line) <= width for line in answer)
    assert " ".join(answer[1::2]).replace("«", " ").replace("»", " ").split() == [w.strip() for w in words]


def test_it_says_what_the_report_says(project: Path) -> None:
    plan = read_plan(project / "report.yml")
    responses, scores, divergences = measured(plan)
    response = next(r for r in responses if r.prompt_id == "sky")
    made = ask(plan, lazy_models(plan), "What is blue?", None)
    assert made.answer == response.text and tuple(t.token_id for t in made.tokens) == response.token_ids
    for t in made.tokens:
        row = next(
            s
            for s in scores
            if (s["response_id"], s["condition_id"], s["pos"]) == (response.response_id, "base·plain", t.pos)
        )
        far = next(d for d in divergences if (d["response_id"], d["pos"]) == (response.response_id, t.pos))
        assert t.base_rank == row["rank"] and t.base_logprob == pytest.approx(row["logprob"], abs=1e-5)
        assert t.kl_aligned_base == pytest.approx(far["kl_aligned_base"], rel=1e-4, abs=1e-6)
    assert sum(made.shares.values()) == pytest.approx(1)


def test_the_command_speaks_json_and_plain_text(project: Path) -> None:
    made = json.loads(tds("show", "What is blue?", "-r", "report.yml", "--json").stdout)
    assert made["comparison"] == "base-sft" and set(made["shares"]) == {"unshifted", "marginal", "shifted"}
    assert "".join(t["text"] for t in made["tokens"]) == made["answer"]
    plain = tds("show", "What is blue?", "-r", "report.yml").stdout
    assert "\x1b" not in plain and "base·plain against sft·chat" in plain
    assert "known: base-sft" in refused("show", "What?", "-r", "report.yml", "--comparison", "no")


def test_a_token_that_a_head_rules_out_makes_kl_infinite(project: Path) -> None:
    """The base's end token has a bias of minus infinity: shown as inf, stored as it is; its log p is none."""
    for name, ruled_out in (("base", (1, 40)), ("sft", ())):
        (project / name).unlink()
        tiny.save_biased(project / name, seed=len(ruled_out), ruled_out=ruled_out)
    plan = read_plan(project / "report.yml")
    text = json_text(ask(plan, lazy_models(plan), "What is blue?", None).as_json())
    made = json.loads(text, parse_constant=pytest.fail)
    assert {t["kl_aligned_base"] for t in made["tokens"]} == {"inf"}
    assert all(0 < t["kl_base_aligned"] < 100 and 0 < t["js"] <= math.log(2) for t in made["tokens"])
    _, scores, divergences = measured(plan)
    assert {d["kl_aligned_base"] for d in divergences} == {math.inf}
    assert all(0 < d["kl_base_aligned"] < 100 for d in divergences)
    assert not any(math.isnan(s["entropy"]) or s["logprob"] == -math.inf for s in scores)


def test_check_says_what_each_model_reads_and_what_it_costs(project: Path) -> None:
    for name in ("base", "sft"):  # the weights are not read: a header is enough
        folder = (project / name).resolve()
        (project / name).unlink()
        (project / name).mkdir()
        for path in folder.iterdir():
            data = path.read_bytes()
            size = 8 + int.from_bytes(data[:8], "little") if path.suffix == ".safetensors" else len(data)
            (project / name / path.name).write_bytes(data[:size])
            os.truncate(project / name / path.name, len(data))
    with (project / "report.yml").open("a", encoding="utf-8") as file:
        file.write("device: cuda:99\n")
    done = tds("check", "report.yml")
    assert done.returncode == 0, done.stderr
    assert "  device: 'cuda:99' is not available here; use auto, cpu, cuda or cuda:N" in done.stdout
    assert "4 prompts, 2 models" in done.stdout and "one vocabulary" in done.stdout
    assert "condition base·plain: begin tokens: 1, template: " in done.stdout and "0:'<|begin|>'" in done.stdout
    assert "neutral texts: 3, 27 places at most" in done.stdout
    # Of two answers, at both depths: in three places, and once for its own first sentence.
    assert f"harmful answers: 2, at most {2 * (3 * 2 * 4 + 4)} tokens written after" in done.stdout
    assert "amplified answers: 9 of a comparison, 54 tokens at most, by both models of it" in done.stdout
    assert "at most 96 positions" in done.stdout and not (project / "data").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"# Question',
            '"<|begin|># Question',
            r"contexts.plain: .* begin token '<\|begin\|>' twice; take .* out of the t",
        ),
        (
            "max_new_tokens: 24",
            "max_new_tokens: 1020",
            r"prompt 'sky': \d+ tokens in sft·chat and 1020 for the answer ex",
        ),
        (
            "{kind: chat}",
            "{kind: plain, template: '{prompt}', system: x}",
            r"contexts.chat: a plain context takes no sys",
        ),
    ],
)
def test_check_refuses_what_would_stop_a_run(project: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(check(without(project / "report.yml", old, new, "bad.yml")))


@pytest.mark.parametrize("device", ["", "meta", "CPU"])
def test_a_name_that_is_no_device_is_refused_though_nothing_is_left_to_do(project: Path, device: str) -> None:
    with pytest.raises(InputError, match=f"^--device: '{device}' is no device; give auto, cpu"):
        lazy_models(read_plan(project / "report.yml"), device)
