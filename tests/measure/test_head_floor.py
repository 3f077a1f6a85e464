"""The least probability that a head can give: never above that of float64 softmaxes, nor of rounded ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure.bounds import LEAST, Known, divergence_bounds
from tds_atlas.measure.head_floor import HeadFloor
from tds_atlas.pipeline.plan import read_plan
from tests.measure.test_served import measured, report_on
from tests.scoring_server import Scoring, served

V, D, T = 14, 6, 5


def softmaxes(head: HeadFloor, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """[T, V] ln q of hidden states before the norm; every step is rounded to the dtype."""
    u = (x / (x.pow(2).mean(1, keepdim=True) + 1e-6).sqrt()).to(dtype)
    states = (u * head.gain.to(dtype)).to(dtype)
    return (states @ head.weight.to(dtype).T).to(dtype).double().log_softmax(1)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.sampled_from([0.01, 0.3, 2.0]),
    loud=st.sampled_from([1e-3, 1.0, 1e3]),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16, torch.float16]),
    k=st.sampled_from([1, 3, V]),
    kept=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_no_probability_is_below_the_floor_and_kl_within_its_bounds(
    seed: int, size: float, loud: float, dtype: torch.dtype, k: int, kept: torch.dtype
) -> None:
    draw = torch.Generator().manual_seed(seed)
    heads = []
    for _ in range(2):
        weight = (size * torch.randn(V, D, generator=draw, dtype=torch.float64)).to(kept)
        heads.append(
            HeadFloor(weight, torch.rand(D, generator=draw, dtype=torch.float64).to(torch.bfloat16).double() * 2)
        )
    x = loud * torch.randn(T, D, generator=draw, dtype=torch.float64)
    x[0] = heads[0].weight[0].double() - heads[0].weight[1].double()  # what drives two tokens apart
    sides, exact, own = [], [], torch.randint(0, V, (T,), generator=draw)
    for head in heads:
        logq = softmaxes(head, x, dtype)
        top, ids = logq.topk(k)
        least = head.least(ids[:, 0].numpy(), top[:, 0].float().numpy())
        assert (least <= logq.amin(1).numpy()).all()
        columns = {"top_ids": ids.numpy(), "top_logprobs": top.float().numpy(), LEAST: least}
        columns["logprob"] = logq.gather(1, own[:, None])[:, 0].float().numpy()
        sides.append(Known.of(columns, own.numpy(), V))
        exact.append(logq.numpy())
    p, q = exact
    found = divergence_bounds(*sides)
    for name, a, b in (("kl_aligned_base", p, q), ("kl_base_aligned", q, p)):
        kl = np.array([sum(np.exp(a[t, i]) * (a[t, i] - b[t, i]) for i in range(V)) for t in range(T)])
        assert (kl <= found[f"{name}_upper"]).all() and (found[f"{name}_lower"] <= kl + 1e-6).all()
        assert np.isfinite(found[f"{name}_upper"]).all()


def test_the_reach_is_the_largest_distance(family: Path) -> None:
    head = HeadFloor.of(locate("x", {"x": ModelSettings(path=family / "sft")}))
    assert head
    scaled = (head.weight.double() * head.gain).numpy()
    for i in (0, 7, 300):
        reach = max(np.sqrt(((scaled[i] - row) ** 2).sum()) for row in scaled)
        longest = max(np.sqrt((row**2).sum()) for row in scaled)
        floor = -0.5 - np.sqrt(scaled.shape[1]) * (1 + 1 / 256) ** 5 * (reach + 4 / 256 * longest) - 1e-4
        assert head.least(np.array([i]), np.array([-0.5]))[0] == pytest.approx(floor)


@pytest.mark.parametrize("change", ["bias", "norm", "kind", "quantised", "elsewhere"])
def test_where_the_weights_prove_nothing_there_is_no_floor(family: Path, tmp_path: Path, change: str) -> None:
    for file in (family / "sft").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights, config = load_file(tmp_path / "model.safetensors"), (tmp_path / "config.json").read_text(encoding="utf-8")
    name = locate("x", {"x": ModelSettings(path=tmp_path)})
    assert HeadFloor.of(name) is not None
    if change == "bias":
        weights["lm_head.bias"] = torch.zeros(3)
    elif change == "norm":
        weights.pop("model.norm.weight")
    save_file(weights, tmp_path / "model.safetensors")
    if change == "kind":
        config = config.replace('"model_type": "llama"', '"model_type": "granite"')
    elif change == "quantised":
        config = config.replace("{", '{"quantization_config": {}, ', 1)
    elif change == "elsewhere":
        (tmp_path / "model.safetensors").unlink()
    (tmp_path / "config.json").write_text(config, encoding="utf-8")
    assert HeadFloor.of(name) is None


def test_a_served_model_with_its_weights_here_has_an_upper_kl(project: Path) -> None:
    plain = project / "plain.yml"
    text = (project / "report.yml").read_text(encoding="utf-8")
    plain.write_text(text[: text.index("probes:")] + text[text.index("generate:") :], encoding="utf-8")
    *_, divergences = measured(read_plan(plain))
    with served(Scoring(project / "sft")) as url:
        *_, bounds = measured(read_plan(report_on(project, url)))
    assert len(bounds) == len(divergences) > 50
    for ours, theirs in zip(divergences, bounds, strict=True):
        for name in ("kl_aligned_base", "kl_base_aligned"):
            assert theirs[f"{name}_lower"] - 1e-6 <= ours[name] <= theirs[f"{name}_upper"] + 1e-6
