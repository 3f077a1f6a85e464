"""The block `probes.swap`: what of it names a shard, so that shards of earlier versions stay, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tds_atlas.domain import Sampling
from tds_atlas.inputs.swap_settings import SwapSettings


def settings(**given: Any) -> SwapSettings:
    return SwapSettings.model_validate({"comparisons": ["a"], "shares": [0.1]} | given)


def naming(**given: Any) -> dict[str, Any]:
    """What of the settings names a shard."""
    found = settings(**given)
    return found.model_dump(exclude={"comparisons", "prompts", *found.unused})


def test_what_was_measured_keeps_its_name() -> None:
    """As earlier versions named it: neither what they did not have, nor what is done with the texts afterwards."""
    assert list(naming().items()) == [("shares", (0.1,)), ("max_new_tokens", 160)]
    assert list(naming(reverse=[0.2]).items()) == [("shares", (0.1,)), ("reverse", (0.2,)), ("max_new_tokens", 160)]
    assert naming(graders={"own": {"call": "a:b"}}) == naming(methods=None, thresholds=[]) == naming()


@pytest.mark.parametrize(
    "given",
    [
        {"methods": ["divergence", "random"]},
        {"thresholds": [0.5]},
        {"temperature": 1},
        {"temperature": 1, "samples": 3},
        {"temperature": 1, "top_p": 0.5},
        {"temperature": 1, "seed": 2},
    ],
)
def test_what_changes_the_texts_changes_the_name(given: dict[str, Any]) -> None:
    assert all(naming()[key] == naming(**given)[key] for key in naming())
    assert naming(**given).items() > naming().items()


def test_methods_are_those_of_earlier_versions_where_none_are_named() -> None:
    assert (settings().forward, settings().backward) == (("divergence", "entropy", "random"), ("divergence",))
    named = settings(methods=["divergence", "delta"])
    assert named.forward == named.backward == ("divergence", "delta")
    assert settings().sampling is None
    assert settings(temperature=0.7, top_p=1).sampling == Sampling(0.7)
    assert settings(temperature=0.7, top_p=0.9, seed=4).sampling == Sampling(0.7, top_p=0.9, seed=4)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"methods": ["random"]}, "methods: divergence is missing; the others aim at the shares that it reaches"),
        ({"methods": ["divergence", "divergence"]}, "names one twice"),
        ({"methods": ["size"]}, "Input should be 'divergence', 'delta', 'entropy' or 'random'"),
        ({"thresholds": [1, 1.0]}, "names one twice"),
        ({"thresholds": [float("nan")]}, "should be greater than or equal to -100"),
        ({"thresholds": [True]}, "must be a number, not true or false"),
        ({"samples": 2}, "samples: without a temperature texts are greedy"),
        ({"top_p": 0.5}, "top_p: without a temperature texts are greedy"),
        ({"temperature": 0}, "greater than or equal to 0.01"),
        ({"graders": {"style": {"call": "a:b"}}}, "style is an outcome that every report has"),
        ({"graders": {"own": {}}}, "give one of call"),
        ({"graders": {"own": {"call": "a:b", "timeout": 0}}}, "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        settings(**given)
