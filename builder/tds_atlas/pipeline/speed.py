"""How fast a device multiplies matrices: what the cost of a run is estimated by, here or on a machine of a cluster."""

from __future__ import annotations

import time


def operations_per_second(device: str) -> float:
    """Of a model: about half of a bare product's."""
    import torch

    x = torch.randn(1024, 1024, device=device)
    float((x @ x).sum())
    start = time.perf_counter()
    for _ in range(10):
        y = x @ x
    float(y.sum())  # which waits for a GPU
    return 10 * 2 * 1024**3 / (time.perf_counter() - start) * 0.5
