"""A model under vLLM, as far as it goes without vLLM: what is refused before it starts, and how often it starts anew."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tds_atlas.domain import InputError
from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.engine_settings import VllmSettings
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.engines.vllm import session
from tds_atlas.measure.engines.vllm.model import VllmModel, start
from tds_atlas.measure.engines.vllm.process import Worker
from tds_atlas.measure.engines.vllm.session import Session
from tests.conftest import POCKET
from tests.measure.test_worker import SMALL

BASE = locate("base", {"base": ModelSettings(path=POCKET / "base", dtype="float32")})


def started(settings: VllmSettings) -> VllmModel:
    return start(BASE, "float32", settings, (2,), "cpu")


def test_without_a_python_that_is_named_one_line_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TDS_VLLM_PYTHON", raising=False)
    with pytest.raises(
        InputError, match=r"^models.base: vllm: no Python .* set TDS_VLLM_PYTHON; install it with .ci/vllm"
    ):
        started(VllmSettings())


def test_a_python_without_vllm_is_one_line_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TDS_VLLM_PYTHON", "/not/this/one")
    with pytest.raises(
        InputError, match=rf"^models.base: vllm: {sys.executable} has no vLLM .*vllm.*; install it with"
    ):
        started(VllmSettings(python=Path(sys.executable))).greedy([(1, 2)], 3)


def test_an_adapter_and_a_dtype_that_vllm_does_not_run_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TDS_VLLM_PYTHON", sys.executable)
    with pytest.raises(InputError, match=r"models.base: vllm runs no adapters here"):
        start(replace(BASE, adapter=POCKET), "float32", VllmSettings(), (2,), "cpu")
    with pytest.raises(InputError, match=r"models.base: vllm: config.json gives the dtype 'float64'; give dtype"):
        start(BASE, "float64", VllmSettings(), (2,), "cpu")


def test_texts_are_as_long_as_the_model_or_the_setting_allows() -> None:
    python = Path(sys.executable)
    assert started(VllmSettings(python=python)).context_length == 8192
    assert started(VllmSettings(python=python, max_model_len=100)).context_length == 100


def test_an_id_that_only_a_wider_vocabulary_has_is_read_as_the_end() -> None:
    model = started(VllmSettings(python=Path(sys.executable)))
    assert model.readable((1, model.vocab_size - 1, model.vocab_size)) == (1, model.vocab_size - 1, 2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setattr(session, "Worker", partial(Worker, script=SMALL))
    return Session("models.x: vllm", Path(sys.executable), {})


def test_a_process_that_dies_is_started_once_more_and_not_for_ever(small: Session) -> None:
    assert small.ask("bodies", "echo", {"n": 1}, {}).fields == {"n": 1}
    with pytest.raises(InputError, match="exit code 3"):
        small.ask("bodies", "die", {}, {})
    assert small.ask("bodies", "echo", {"n": 2}, {}).fields == {"n": 2}
    os.kill(small.running["bodies"]._process.pid, signal.SIGKILL)
    with pytest.raises(InputError, match="signal 9"):
        small.ask("bodies", "echo", {}, {})
    with pytest.raises(InputError, match="signal 9"):
        small.ask("bodies", "echo", {"n": 3}, {})
    assert not small.running, "nothing was started for the last question"


def test_an_error_that_is_answered_ends_nothing(small: Session) -> None:
    for _ in range(4):
        with pytest.raises(InputError, match="no such"):
            small.ask("bodies", "fail", {}, {})
    assert small.ask("bodies", "echo", {"n": 1}, {}).fields == {"n": 1}
    small.close()


def test_one_process_reads_or_writes(small: Session) -> None:
    small.ask("writer", "echo", {}, {})
    first = small.running["writer"]
    small.ask("bodies", "echo", {}, {})
    assert list(small.running) == ["bodies"] and not first.is_there
    small.close()


def test_an_old_vllm_is_refused(small: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_VERSION", "0.9.2")
    with pytest.raises(InputError, match=r"has vLLM 0\.9\.2; 0\.32 or newer is needed$"):
        small.ask("bodies", "echo", {}, {})


def test_a_model_that_has_done_its_writing_gives_its_memory_to_others(small: Session) -> None:
    other = Session("models.y: vllm", Path(sys.executable), {})
    small.ask("writer", "echo", {}, {})
    other.ask("writer", "echo", {}, {})
    assert not small.running and list(other.running) == ["writer"]
    small.ask("bodies", "echo", {}, {})
    other.ask("bodies", "echo", {}, {})
    assert list(small.running) == list(other.running) == ["bodies"], "models read together"
    small.close()
    other.close()
