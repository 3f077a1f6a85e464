"""The desk in this process, on the tiny pair: what is kept, what JSON cannot say, and reports that have nothing to try."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.live.app import as_json
from tds_atlas.live.asked import Read, Write
from tds_atlas.live.desk import Desk
from tds_atlas.pipeline.plan import read_plan
from tests import tiny
from tests.cli.test_cli import refused

ASKED = Read(comparison="base-sft", prompt="What is blue?", ids=(20, 21, 22))


def test_an_answer_that_was_read_is_not_read_again(project: Path) -> None:
    desk = Desk(read_plan(project / "report.yml"))
    first = desk.read(ASKED)
    assert desk.read(ASKED.model_copy()) is first
    assert desk.read(ASKED.model_copy(update={"prompt": "What is red?"})) != first


def test_a_token_that_a_head_rules_out_has_no_probability(project: Path) -> None:
    for name, ruled_out in (("base", (1, 22)), ("sft", ())):
        (project / name).unlink()
        tiny.save_biased(project / name, seed=len(ruled_out), ruled_out=ruled_out)
    text = as_json(Desk(read_plan(project / "report.yml")).read(ASKED))
    last = json.loads(text, parse_constant=pytest.fail)["tokens"][-1]
    assert last["base"]["log_p"] is None and last["kl"] == "inf" and last["aligned"]["log_p"] < 0 < last["kl_back"]


def test_writing_stops_where_the_answer_or_the_model_has_no_more_room(project: Path) -> None:
    desk = Desk(read_plan(project / "report.yml"))
    full = Write(comparison="base-sft", prompt="What is blue?", ids=(20,) * 1020, by="base", tokens=8)
    with pytest.raises(
        InputError, match=r"^prompt and answer have 1,0\d\d tokens, and model base has 1,024 positions$"
    ):
        desk.write(full)


def test_a_report_with_nothing_to_try_says_why(project: Path, made_project: Path) -> None:
    site = str(made_project / "root" / "sub" / "atlas")
    served = "{path: base, engine: {kind: served, url: 'http://127.0.0.1:9', model: base}}"
    text = re.sub("probes:.*?(?=generate:)", "", (project / "report.yml").read_text(encoding="utf-8"), flags=re.DOTALL)
    (project / "lists.yml").write_text(text.replace("{path: base, dtype: float32}", served), encoding="utf-8")
    why = refused("serve", "--live", "-r", "lists.yml", "--site", site)
    assert "lists.yml: nothing to try live: base-sft: model base is served, so that its whole distributions" in why
    assert "no site here yet" in refused("serve", "--live", "-r", "report.yml")
    (project / "index.html").touch()
    assert "has no live.html: a site of an earlier version" in refused(
        "serve", "--live", "-r", "report.yml", "--site", "."
    )
