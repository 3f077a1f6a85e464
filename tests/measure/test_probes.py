"""Writing on: texts of two models, prefilled answers and continuations against one-token-at-a-time loops over whole prefixes."""

from __future__ import annotations

import math
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from tds_atlas.domain import Response
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.probes.continuation import Branches, _branch, continuations
from tds_atlas.measure.probes.lockstep import write
from tds_atlas.measure.probes.prefill import prefills
from tds_atlas.measure.probes.reader import Reader
from tds_atlas.measure.side import Side
from tds_atlas.pipeline.plan import Plan, read_plan
from tds_atlas.pipeline.sides import lazy_models, side_of
from tests.measure.test_models import MODELS, loaded, own_logits

READ = Reader.read


def sides(report: Path) -> tuple[Plan, Side, Side]:
    plan = read_plan(report)
    models = lazy_models(plan)()
    pair = plan.report.all_comparisons[0]
    return plan, side_of(plan, models, pair.base), side_of(plan, models, pair.aligned)


def slowly(model: LoadedModel, head: tuple[int, ...], limit: int) -> list[int]:
    """Greedy, a whole pass per token."""
    out: list[int] = []
    while len(out) < limit and (not out or out[-1] not in model.end_ids):
        out.append(int(own_logits(model, [*head, *out])[-1].argmax()))
    return out


def test_a_text_in_a_batch_is_the_text_alone(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    heads = [(base.frame.prompt_ids(p.text), aligned.frame.prompt_ids(p.text)) for p in plan.prompt_set]
    rule = [lambda at: at.js > 0.1] * len(heads)
    together = write(base.model, aligned.model, heads, rule, 40)
    alone = [write(base.model, aligned.model, [head], rule[:1], 40)[0] for head in heads]
    assert [x.ids for x in together] == [x.ids for x in alone]


def test_texts_that_are_alike_so_far_are_read_once_and_what_does_not_fit_waits(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    heads = [(base.frame.prompt_ids(p.text), aligned.frame.prompt_ids(p.text)) for p in plan.prompt_set[:3]]
    rules = [lambda at, level=level: at.js > level for level in (0.02, 0.1, 0.3, 9.0)]
    alone = [write(base.model, aligned.model, [head], [rule], 24)[0] for head in heads for rule in rules]
    prompts, takes = [head for head in heads for _ in rules], rules * len(heads)
    begun = {(i // len(rules), *x.ids[:n]) for i, x in enumerate(alone) for n in range(len(x.ids))}
    assert len(begun) < 0.8 * sum(len(x.ids) for x in alone)
    for most in (1, 2, 5, 100):
        lengths = list[int]()

        def read(reader: Reader, new: tuple[int, ...] = (), lengths: list[int] = lengths) -> torch.Tensor:
            lengths.append(len(new) or len(reader.ids))
            return READ(reader, new)

        fits = patch("tds_atlas.measure.probes.lockstep.rows_at_once", lambda *_, most=most: most)
        with fits, patch.object(Reader, "read", read):
            made = write(base.model, aligned.model, prompts, takes, 24)
        assert [x.ids for x in made] == [x.ids for x in alone]
        assert [x.is_swap for x in made] == [x.is_swap for x in alone]
        assert max(lengths) <= most and (most < 100 or sum(lengths) == 2 * len(begun))


def test_prefilled_answers_against_a_loop(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    prompts = [p for p in plan.prompt_set if p.harmful]
    assert prompts
    rows = prefills(base, aligned, prompts, depth=3, new_tokens=12, opening=4)
    assert [len(r.prefix) for r in rows] == [0, 1, 2, 3] * len(prompts)
    for row in rows:
        b, a = (side.prompt_ids(prompts[row.prompt]) for side in (base, aligned))
        answer = slowly(base.model, b, 3)
        assert list(row.prefix) == answer[: len(row.prefix)]
        assert list(row.continuation) == slowly(aligned.model, a + row.prefix, 12)
        assert list(row.opening) == slowly(aligned.model, a, 12)[:4]
        for side, head, found in ((aligned, a, row.opening_logprob), (base, b, row.base_opening_logprob)):
            ids = [*head, *row.prefix, *row.opening]
            logp = own_logits(side.model, ids).log_softmax(-1)
            said = sum(float(logp[len(ids) - 5 + i, token]) for i, token in enumerate(row.opening))
            assert found == pytest.approx(said, rel=1e-4, abs=1e-4) and math.isfinite(found)
        whole = [*a, *row.prefix, *row.opening]
        firsts = own_logits(aligned.model, whole).argmax(-1).tolist()[-5:-1]
        assert row.opening_likeliest == (firsts == list(row.opening))


@pytest.mark.parametrize("name", MODELS)
def test_batches_of_every_kind_of_model_write_what_each_text_alone_does(name: str, tmp_path: Path) -> None:
    """Prompts of several lengths: by generation, in lockstep, and from places within texts."""
    model = loaded(tmp_path, name)
    heads = [tuple(torch.randint(2, 340, (n,)).tolist()) for n in (8, 6, 6, 3)]
    alone = [slowly(model, head, 8) for head in heads]
    assert list(map(list, model.greedy(heads, 8))) == alone
    made = write(model, model, [(head, head) for head in heads], [lambda at: False] * 4, 8)
    assert [text.ids for text in made] == alone
    cuts = [(0, 8, 5), (0, 5, 7), (1, 4, 9)]
    expected = [slowly(model, (*heads[i][:n], first), 5) for i, n, first in cuts]
    for most in (1, 2, 64):  # cuts read together
        with patch("tds_atlas.measure.probes.continuation.rows_at_once", lambda *_, most=most: most):
            tails = _branch(model, heads, cuts, 6)
        for (_, _, first), tail, more in zip(cuts, tails, expected, strict=True):
            assert tail[: 1 + len(more)] == [first, *more]


@pytest.mark.parametrize("name", MODELS)
def test_the_base_goes_on_from_a_place_as_from_the_text_before_it(name: str, tmp_path: Path) -> None:
    """Every kind of model: caches with windows or states are read anew, the others are shared."""
    model = loaded(tmp_path, name)
    rows = [tuple(torch.randint(2, 340, (n,)).tolist()) for n in (14, 9)]
    with torch.inference_mode():
        reader = Reader(model, rows)
        first = reader.read()
        for row, logits in zip(rows, first, strict=True):
            torch.testing.assert_close(logits, own_logits(model, list(row))[-1].float(), atol=3e-5, rtol=3e-5)
        places = [(0, 14), (0, 5), (1, 7)]
        branches = reader.branch([i for i, _ in places], [n for _, n in places])
        ids = [list(rows[i][:n]) for i, n in places]
        for one, texts, tokens in (
            (branches, ids, (5, 6, 7)),
            (branches, ids, (8, 9, 10)),
            (reader, list(map(list, rows)), (4, 3)),  # which is where it was
        ):
            for text, token, found in zip(texts, tokens, one.read(tokens), strict=True):
                text.append(token)
                torch.testing.assert_close(found, own_logits(model, text)[-1].float(), atol=3e-5, rtol=3e-5)


def test_continuations_against_a_loop(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    branches = []
    for prompt in plan.prompt_set[:4]:
        head, own = aligned.frame.prompt_ids(prompt.text), base.frame.prompt_ids(prompt.text)
        ids = tuple(slowly(aligned.model, head, 40))
        places = (0, 2, len(ids) - 1)
        firsts = tuple(int(own_logits(base.model, [*own, *ids[:t]])[-1].argmax()) for t in places)
        response = Response("r", prompt.prompt_id, "s", None, "", ids, ((0, 0),) * len(ids), True, "stop")
        branches.append(Branches(prompt, response, places, firsts))
    for branch, found in zip(branches, continuations(base, branches, 6), strict=True):
        own = base.prompt_ids(branch.prompt)
        for t, (text, ends) in zip(branch.positions, found, strict=True):
            tail = slowly(base.model, own + branch.response.token_ids[:t], 6)
            assert ends == (tail[-1] in base.model.end_ids)
            assert text == base.frame.tokenizer.decode(tail[:-1] if ends else tail)
