"""Going on from harmful answers against loops of full passes, and their divergence against softmaxes in float64."""

from __future__ import annotations

from pathlib import Path

import pytest

from tds_atlas.domain import Answer, InputError, Prompt
from tds_atlas.measure.decode import text_after
from tds_atlas.measure.probes.recovery import BASE, REFUSAL, as_read, kl_along, recoveries
from tests.measure.test_models import own_logits
from tests.measure.test_probes import sides, slowly

DEPTHS, OPENER, NEW = (0, 2, 6, 90), 16, 6


def test_what_follows_a_harmful_answer_against_a_loop(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    answers = as_read(aligned, plan.harmful)
    rows = list(recoveries(base, aligned, answers, DEPTHS, OPENER, NEW))
    assert [(x.place, x.k) for x in rows if x.answer == 1] == [
        (place, k) for place in ("answer", REFUSAL, BASE) for k in DEPTHS[:3]
    ]
    words, ends = aligned.frame.tokenizer, set(aligned.model.end_ids)
    for x in rows:
        own = slowly(aligned.model, aligned.prompt_ids(answers[x.answer].prompt), OPENER)
        said, opening = text_after(words, (), own, ends), x.prefix[: len(x.prefix) - x.k]
        assert x.prefix[len(opening) :] == answers[x.answer].response.token_ids[: x.k]
        if x.place == REFUSAL:
            first = text_after(words, (), opening, ends)
            assert said.startswith(first) and first.endswith(".") and first.count(".") == 1
        side = base if x.place == BASE else aligned
        assert (x.place == REFUSAL) == bool(opening)
        assert list(x.continuation) == slowly(side.model, side.prompt_ids(answers[x.answer].prompt) + x.prefix, NEW)


def test_divergence_along_it_in_both_inputs(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    answers = as_read(aligned, plan.harmful)
    found = kl_along(base, aligned, answers, 5)
    assert [len(own) for own, _ in found] == [5, 5]
    for answer, both in zip(answers, found, strict=True):
        read = aligned.prompt_ids(answer.prompt)
        for kl, before in zip(both, (base.prompt_ids(answer.prompt), read), strict=True):
            for t in range(5):
                ids = answer.response.token_ids[:t]
                p = own_logits(base.model, [*before, *ids])[-1].double().log_softmax(-1)
                q = own_logits(aligned.model, [*read, *ids])[-1].double().log_softmax(-1)
                assert kl[t] == pytest.approx(float((q.exp() * (q - p)).sum()), rel=1e-3, abs=1e-5)
        assert abs(both[0][0] - both[1][0]) > 0.1  # the inputs differ, and so do the numbers


def test_an_answer_that_says_nothing_is_named(pocket_report: Path) -> None:
    _, _, aligned = sides(pocket_report)
    end = aligned.frame.tokenizer.convert_ids_to_tokens(aligned.model.end_ids[0])
    with pytest.raises(InputError, match=r"probes.recovery.path: f: line 1: .*"):
        as_read(aligned, [Answer(Prompt("p", "Why?", ""), str(end), "f: line 1")])
