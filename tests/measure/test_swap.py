"""Token swap in both directions, by every rule, greedily and drawn, against one-token-at-a-time loops in float64."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tds_atlas.domain import Prompt, Sampling
from tds_atlas.measure.probes.draws import numbers_of
from tds_atlas.measure.probes.lockstep import Place
from tds_atlas.measure.probes.swap import Asked, Swap, swaps
from tds_atlas.measure.probes.swap_rules import highest
from tds_atlas.measure.side import Side
from tests.measure.test_models import own_logits
from tests.measure.test_probes import sides

EVERY = ("divergence", "delta", "entropy", "random")
MEASURES: dict[str, Callable[[Place, str], float]] = {
    "divergence": lambda at, writer: at.js,
    "delta": lambda at, writer: at.delta,
    "entropy": lambda at, writer: at.entropy if writer == "base" else at.aligned_entropy,
}
Choice = Callable[[torch.Tensor, int], int]  # from probabilities, at the n-th token


def likeliest(p: torch.Tensor, n: int) -> int:
    return int(p.argmax())


def said(base: Side, aligned: Side, prompt: Prompt, so_far: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The next token's probabilities by both models, of a pass over the whole prefix."""
    rows = ([*side.prompt_ids(prompt), *so_far] for side in (base, aligned))
    p, q = (own_logits(s.model, row)[-1].double().softmax(-1) for s, row in zip((base, aligned), rows, strict=True))
    return p, q


def entropy(p: torch.Tensor) -> float:
    return float(-(p * p.log()).nansum())


def check(base: Side, aligned: Side, prompt: Prompt, swap: Swap, choose: Choice = likeliest) -> None:
    """What is recorded of a text, and each of its tokens: that of the model whose turn the text says it is."""
    text = swap.text
    for n, (token, place) in enumerate(zip(text.ids, text.places, strict=True)):
        p, q = said(base, aligned, prompt, text.ids[:n])
        m = (p + q) / 2
        own, other = choose(p, n), choose(q, n)
        js = float((p * (p / m).log() + q * (q / m).log()).nansum() / 2)
        slow = Place(js, entropy(p), entropy(q), math.log(q[other]) - math.log(p[other]))
        assert place == pytest.approx(slow, rel=1e-3, abs=1e-5)
        assert token == (other if text.is_swap[n] else own)
        assert text.is_change[n] == (text.is_swap[n] and own != other)
    ends = {id(side): side.model.end_ids for side in (base, aligned)}
    writers = [aligned if is_swap else base for is_swap in text.is_swap]
    assert not any(token in ends[id(w)] for token, w in list(zip(text.ids, writers, strict=True))[:-1])


def check_rule(made: Sequence[Swap], swap: Swap, aim: float) -> None:
    """Whether tokens were put in just where the rule says: a level of the writer's own texts, or the threshold."""
    writer, method, share, threshold = (getattr(swap.name, x) for x in ("writer", "method", "share", "threshold"))
    put_in = [is_swap == (writer == "base") for is_swap in swap.text.is_swap]
    if method == "random":
        return
    if threshold is not None:
        assert put_in == [place.delta > threshold for place in swap.text.places]
        return
    alone = [x.text for x in made if x.name.share == float(writer == "aligned")]
    rate = aim
    if method != "divergence":  # as many as divergence has put in
        first = [x for x in made if x.name.method == "divergence" and (x.name.writer, x.name.share) == (writer, share)]
        rate = np.mean([is_swap == (writer == "base") for x in first for is_swap in x.text.is_swap])
    measure = MEASURES[method]
    level = highest([measure(place, writer) for text in alone for place in text.places], rate)
    assert put_in == [measure(place, writer) >= level for place in swap.text.places]


def test_the_ends_of_a_swap_are_the_two_models_and_the_middle_follows_its_rule(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    prompts = plan.prompt_set
    made = list(swaps(base, aligned, prompts, Asked((0.1,)), 24))
    assert len(made) == len(prompts) * 5 and {x.name.method for x in made} == {"divergence", "entropy", "random"}
    assert {x.name.writer for x in made} == {"base"} and {x.sample for x in made} == {None}
    for x in (x for x in made if x.prompt < 2):
        check(base, aligned, prompts[x.prompt], x)
        if x.name.share in (0, 1):
            assert all(is_swap == bool(x.name.share) for is_swap in x.text.is_swap)
        else:
            check_rule(made, x, 0.1)
    random_one = next(x for x in made if x.name.method == "random")
    draw, rate = random.Random(f"{prompts[0].text}\0{0.1}"), realised(made, "divergence", 0.1)
    assert random_one.text.is_swap == [draw.random() < rate for _ in random_one.text.ids]  # as in earlier versions


def realised(made: Sequence[Swap], method: str, share: float, writer: str = "base") -> float:
    """The share of positions at which the other model's token was put in."""
    texts = [x.text for x in made if (x.name.method, x.name.share, x.name.writer) == (method, share, writer)]
    return float(np.mean([is_swap == (writer == "base") for text in texts for is_swap in text.is_swap]))


def test_every_rule_holds_in_both_directions(pocket_report: Path) -> None:
    """A share and a threshold of Δ, in the base's text and in the aligned model's, by all four methods."""
    plan, base, aligned = sides(pocket_report)
    prompts = plan.prompt_set[:2]
    made = list(swaps(base, aligned, prompts, Asked((0.2,), (0.2,), EVERY, EVERY, (1.5,)), 16))
    names = [x.name for x in made[:: len(prompts)]]
    assert len(set(names)) == len(names) == 2 + 2 * 5
    for writer, share in (("base", 0.2), ("aligned", 0.8)):
        assert {(n.method, n.share, n.threshold) for n in names if n.writer == writer and n.share not in (0, 1)} == {
            *((method, share, None) for method in EVERY),
            ("delta", None, 1.5),
        }
    for x in made:
        check(base, aligned, prompts[x.prompt], x)
        if x.name.share not in (0, 1):
            check_rule(made, x, 0.2)
    thresholds = [is_swap for x in made if x.name.threshold for is_swap in x.text.is_swap]
    assert any(thresholds) and not all(thresholds)


def test_the_reverse_aims_at_equal_shares(pocket_report: Path) -> None:
    """By each method about as many of the base's tokens are put in as by divergence."""
    plan, base, aligned = sides(pocket_report)
    made = list(swaps(base, aligned, plan.prompt_set, Asked((), (0.1,), EVERY, EVERY), 30))
    wanted = realised(made, "divergence", 0.9, "aligned")
    for method in EVERY[1:]:
        assert realised(made, method, 0.9, "aligned") == pytest.approx(wanted, abs=0.08), method
    assert 0.02 < wanted < 0.3


def drawer(sampling: Sampling, prompt_id: str, sample: int, count: int) -> Choice:
    """By hand: divide by the temperature, keep the likeliest up to top-p, and go along the sum of what is left."""
    numbers = numbers_of(sampling, prompt_id, sample, count)

    def choose(p: torch.Tensor, n: int) -> int:
        weights = p.numpy() ** (1 / sampling.temperature)
        weights /= weights.sum()
        before, kept = 0.0, set[int]()
        for i in sorted(range(len(weights)), key=lambda i: -weights[i]):
            if before < (sampling.top_p or 1):
                kept.add(i)
            before += weights[i]
        total, aim = 0.0, numbers[n] * sum(weights[i] for i in kept)
        for i in sorted(kept):
            total += weights[i]
            if total > aim:
                return i
        return max(kept)

    return choose


def test_drawn_texts_depend_on_prompt_rule_and_sample_alone(pocket_report: Path) -> None:
    plan, base, aligned = sides(pocket_report)
    sampling, prompts = Sampling(1.2, top_p=0.8, seed=5), plan.prompt_set[:2]
    asked = Asked((0.2,), (), EVERY, thresholds=(1.0,), sampling=sampling, samples=3)
    made = list(swaps(base, aligned, prompts, asked, 8))
    assert len(made) == 2 * 3 * 7 and {x.sample for x in made} == {1, 2, 3}
    for x in (x for x in made if x.sample != 2):
        choose = drawer(sampling, prompts[x.prompt].prompt_id, x.sample or 0, 8)
        check(base, aligned, prompts[x.prompt], x, choose)
        if x.name.share not in (0, 1):
            check_rule(made, x, 0.2)
    alone = {x.sample: x.text.ids for x in made if x.prompt == 1 and x.name.share == 1}
    assert len(set(map(tuple, alone.values()))) > 1
    fewer = Asked((), (), EVERY, thresholds=(1.0,), sampling=sampling, samples=2)
    kept = {(x.prompt, x.name, x.sample): x.text.ids for x in made}
    for x in swaps(base, aligned, prompts[1:], fewer, 8):  # another batch, another place in it
        assert x.text.ids == kept[1, x.name, x.sample]
    other = Asked(sampling=Sampling(1.2, top_p=0.8, seed=6), samples=3)
    assert [x.text.ids for x in swaps(base, aligned, prompts, other, 8)] != [x.text.ids for x in made[:12]]
