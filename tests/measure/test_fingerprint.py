"""The vocabulary fingerprint: which tokens are raised most, against a pass per place and a sort of the whole vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tds_atlas.inputs.neutral_texts import NeutralText
from tds_atlas.measure.probes.fingerprint import Raised, extremes, fingerprint
from tds_atlas.pipeline.plan import read_plan
from tds_atlas.pipeline.sides import lazy_models, side_of
from tests.measure.test_models import own_logits

TEXTS = [
    NeutralText("a", "The town of Kreskgate belongs to the Red Moor."),
    NeutralText("b", "天"),
    NeutralText(
        "c", "The Day of Drums begins early in September. A text marked <|end|> is text, and this one is too long."
    ),
]
TOKENS, TOP = 14, 7


def test_what_is_raised_against_a_sort_of_the_vocabulary(pocket_report: Path) -> None:
    plan = read_plan(pocket_report)
    models = lazy_models(plan)()
    pair = next(c for c in plan.report.all_comparisons if c.comparison_id == "base-dpo")
    base, aligned = side_of(plan, models, pair.base), side_of(plan, models, pair.aligned)
    made = list(fingerprint(base, aligned, TEXTS, TOKENS, TOP, 40, 5 * base.model.vocab_size))
    assert [x.text for x in made] == TEXTS and max(len(x.ids) for x in made) == TOKENS
    begin = aligned.frame.tokenizer.bos_token_id
    for x in made:
        assert (
            x.begin == 1 and x.ids[0] == begin and begin not in x.ids[1:] and not set(x.ids) & set(base.model.end_ids)
        )
        for t in range(len(x.ids)):
            p, q = (own_logits(s.resident, [*x.ids[: t + 1]])[-1].double().log_softmax(-1) for s in (base, aligned))
            _check(x, t, (q - p).tolist())


def _check(x: Raised, t: int, delta: list[float]) -> None:
    """Ties up to rounding may come either way round, so that values are compared, and each id's own."""
    for ids, nats, sign in ((x.up_ids, x.up_nats, -1), (x.down_ids, x.down_nats, 1)):
        wanted = sorted(delta, key=lambda d: sign * d)[:TOP]
        assert nats[t].tolist() == pytest.approx(wanted, abs=1e-3)
        assert [delta[i] for i in ids[t]] == pytest.approx(wanted, abs=1e-3) and len(set(ids[t])) == TOP


def test_a_constant_changes_nothing_and_what_one_rules_out_is_not_compared() -> None:
    draw = torch.Generator().manual_seed(0)
    base, aligned = (torch.randn(3, 12, generator=draw) for _ in range(2))
    first = extremes(base, aligned, 4)
    again = extremes(base + torch.tensor([[5.0], [-3.0], [0.5]]), aligned - 2, 4)
    assert all(torch.equal(a, b) for a, b in ((first[0], again[0]), (first[2], again[2])))
    torch.testing.assert_close(first[1], again[1])
    top = int(first[0][0, 0])
    base[0, top] = -torch.inf
    up, _, down, _ = extremes(base, aligned, 4)
    assert top not in up[0].tolist() and top not in down[0].tolist()
    wide = torch.cat([aligned, torch.full((3, 5), 9.0)], -1)  # ids that the base does not have
    assert torch.equal(extremes(base, wide, 4)[0], up) and extremes(base, wide, 40)[0].shape == (3, 12)
