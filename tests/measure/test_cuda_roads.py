"""What a GPU does differently, tried on a CPU: which head is chosen, what it computes, and how columns come back."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from tds_atlas.inputs.checkpoints import locate
from tds_atlas.inputs.settings import ModelSettings
from tds_atlas.measure import output_head
from tds_atlas.measure.engines.models import Models
from tds_atlas.measure.engines.transformers import LoadedModel
from tds_atlas.measure.output_head import cuda_head, find_head, float32_head
from tds_atlas.measure.statistics import TorchRows, _fetched
from tests.measure.test_models import loaded


def half(folder: Path, name: str) -> LoadedModel:
    loaded(folder, name)
    return Models("cpu").model(locate("m", {"m": ModelSettings(path=folder, dtype="bfloat16")}))  # type: ignore[return-value]


def exact_product(a: torch.Tensor, b: torch.Tensor, out_dtype: torch.dtype) -> torch.Tensor:
    """What torch.mm does on a GPU: numbers in half precision, sums in float32."""
    assert a.dtype == b.dtype and a.dtype in (torch.bfloat16, torch.float16) and out_dtype == torch.float32
    return (a.double() @ b.double()).float()


@pytest.mark.parametrize("name", ["llama", "phi", "gemma2, capped"])  # phi's head has a bias
def test_a_product_with_float32_sums_is_that_of_float32_weights(name: str, tmp_path: Path) -> None:
    model = half(tmp_path, name)
    assert cuda_head(model.model) is None  # on a CPU
    states = torch.randn(9, 32).to(model.model.dtype)
    mixed = patch.object(output_head, "_has_mixed_product", lambda weight: True)
    with torch.inference_mode(), mixed, patch.object(torch, "mm", exact_product):
        head, copied = cuda_head(model.model), float32_head(model.model)
        assert head and copied and head(states).dtype == torch.float32
        torch.testing.assert_close(head(states), copied(states), atol=2e-6, rtol=2e-6)
        chosen = find_head(model.model, model.body, model.logits)
        assert chosen and torch.equal(chosen(states), head(states))


def test_a_gpu_without_such_a_product_gets_float32_weights(tmp_path: Path) -> None:
    model = half(tmp_path, "llama")
    states = torch.randn(9, 32).to(model.model.dtype)
    with torch.inference_mode(), patch.object(output_head, "_has_mixed_product", lambda weight: True):
        chosen, copied = find_head(model.model, model.body, model.logits), float32_head(model.model)
    assert chosen and copied and torch.equal(chosen(states), copied(states))


def test_columns_come_back_in_one_transfer_bit_for_bit() -> None:
    columns = {
        "rank": torch.tensor([1, 2**31 - 1, 7], dtype=torch.int32),
        "entropy": torch.tensor([float("nan"), -0.0, 3.5]),
        "top_ids": torch.tensor([[1, -1], [2, 3], [4, 5]], dtype=torch.int32),
        "top_logprobs": torch.tensor([[-1.0, -torch.inf], [0.1, 0.2], [0.3, 1e-40]]),
    }
    transfers, real = list[torch.Size](), torch.Tensor.cpu
    with patch.object(torch.Tensor, "cpu", lambda x: transfers.append(x.shape) or real(x)):
        found = _fetched(columns)
        assert len(transfers) == 1
        TorchRows.of(torch.randn(4, 30), torch.tensor([1, 2, 3, 31]), 5)
        assert len(transfers) == 2
    for name, column in columns.items():
        assert found[name].dtype == column.numpy().dtype and found[name].shape == column.numpy().shape
        np.testing.assert_array_equal(found[name].view(np.int32), column.numpy().view(np.int32))
