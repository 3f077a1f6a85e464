"""The product of a head: of whichever numbers, as exact as float32 is, and written where it is wanted."""

from __future__ import annotations

import pytest
import torch

from tds_atlas.measure.output_head import LinearHead


@pytest.mark.parametrize("cap", [None, 5.0])
@pytest.mark.parametrize("rows", [1, 3, 4, 90])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_logits_are_those_of_float64(dtype: torch.dtype, rows: int, cap: float | None) -> None:
    """States in float32 beside weights that are numbers in bfloat16 keep all their digits, too."""
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(700, 96, generator=draw).bfloat16().float()
    bias = torch.randn(700, generator=draw)
    states = torch.randn(rows, 96, generator=draw).to(dtype)
    head = LinearHead(lambda: (weight, bias), cap, halves=True)
    expected = states.double() @ weight.double().T + bias
    expected = torch.tanh(expected / cap) * cap if cap else expected
    room = head.room(rows + 5)
    assert room is not None
    written = head(states, room[:rows])
    assert written.data_ptr() == room.data_ptr()
    for logits in (head(states), written):
        torch.testing.assert_close(logits.double(), expected, atol=3e-5, rtol=1e-6)


def test_other_products_of_the_process_stay_as_they_were() -> None:
    products = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = products.fp32_precision
    head = LinearHead(lambda: (torch.ones(8, 4), None), None, halves=True)
    head(torch.ones(5, 4, dtype=torch.bfloat16))
    assert products.fp32_precision == before
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        head(torch.ones(5, 3, dtype=torch.bfloat16))
    assert products.fp32_precision == before
