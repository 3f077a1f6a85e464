"""From hidden states to logits: a model's output embedding, or whatever its own forward does after its body."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPast

Head = Callable[[Tensor], Tensor]
# Float32 copies of the weights and biases of output embeddings.
_copies: WeakKeyDictionary[nn.Module, tuple[Tensor, Tensor | None]] = WeakKeyDictionary()
_WORTH_IT = 4  # rows from which a product by way of bfloat16 is the faster one


@dataclass(frozen=True)
class LinearHead:
    """A product with float32 weights, and the soft cap that some models put on their logits."""

    parameters: Callable[[], tuple[Tensor, Tensor | None]]  # weights [V, d] and bias [V], as they are at the moment
    cap: float | None
    halves: bool = False  # whether the weights are numbers in bfloat16

    def __call__(self, states: Tensor, out: Tensor | None = None) -> Tensor:
        """[T, d] states -> [T, V] float32 logits, written to `out` if it is given.

        Products of two numbers in bfloat16 are exact in float32: with processors that compute them, only the order of
        sums differs from a product in float32, at a multiple of its speed.
        """
        weight, bias = self.parameters()
        exact = self.halves and states.dtype == torch.bfloat16 and len(states) >= _WORTH_IT
        with _by_halves() if exact else nullcontext():
            logits = torch.matmul(states.to(weight.device, torch.float32), weight.t(), out=out)
        if bias is not None:
            logits += bias
        return logits.div_(self.cap).tanh_().mul_(self.cap) if self.cap else logits

    def room(self, rows: int) -> Tensor | None:
        """Memory for the logits of so many rows, to be used again: new memory costs a CPU as much as small products."""
        weight, _ = self.parameters()
        return weight.new_empty(rows, len(weight)) if weight.device.type == "cpu" else None


@contextmanager
def _by_halves() -> Iterator[None]:
    """Float32 products of a CPU are computed as of numbers in bfloat16, with float32 sums."""
    products: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = products.fp32_precision
    products.fp32_precision = "bf16"
    try:
        yield
    finally:
        products.fp32_precision = before


def find_head(model: Any, body: Callable[[Tensor], Tensor], whole: Callable[[Tensor], Tensor]) -> Head | None:
    """[T, d] hidden states -> [T, V] logits, or None if only the model's own forward over the ids knows how.

    A head is accepted if body + head gives the same logits as the model's own forward. In half precision its logits
    are float32: by CUDA's own product, or by float32 weights if memory allows.
    """
    ids = torch.arange(8, device=model.device)[None] % int(model.get_output_embeddings().weight.shape[0])
    half = model.dtype in (torch.bfloat16, torch.float16)
    expected = whole(ids)[0].float()
    simple = head_of(model)
    for head in (simple, forward_as_head(model)):
        if agrees(head, body, ids, expected, 2e-2 if half else 1e-5):
            if not half or head is not simple:
                return head
            cuda = cuda_head(model)
            return cuda if cuda and agrees(cuda, body, ids, expected, 2e-2) else float32_head(model) or head
    return None


def agrees(head: Head, body: Callable[[Tensor], Tensor], ids: Tensor, expected: Tensor, close: float) -> bool:
    try:
        logits = head(body(ids)[0]).float()
    except Exception:  # a body or a head of another shape: the model's own forward is used
        return False
    return logits.shape == expected.shape and torch.allclose(expected, logits, atol=close, rtol=close)


def head_of(model: Any) -> Head:
    """Output embedding, with the soft cap that some models put on their logits."""
    embedding = model.get_output_embeddings()
    if type(embedding) is nn.Linear and embedding.weight.dtype == torch.float32 and not embedding._forward_hooks:
        return LinearHead(lambda: (embedding.weight, embedding.bias), _cap(model))
    return _with_soft_cap(model, lambda states: embedding(states))


def forward_as_head(model: Any) -> Head:
    """The model's own forward, with hidden states in place of its body: keeps what it does after it, e.g. scaling."""

    class FixedBody(nn.Module):
        def __init__(self, states: Tensor) -> None:
            super().__init__()
            self.states = states

        def forward(self, *_: Any, **__: Any) -> BaseModelOutputWithPast:
            return BaseModelOutputWithPast(last_hidden_state=self.states)

    def head(states: Tensor) -> Tensor:
        body = model.base_model
        setattr(model, model.base_model_prefix, FixedBody(states[None]))
        try:
            logits: Tensor = model(inputs_embeds=states[None], use_cache=False).logits[0]
        finally:
            setattr(model, model.base_model_prefix, body)
        return logits

    return head


def cuda_head(model: Any) -> Head | None:
    """The head in half precision with float32 logits, or None where there is no such product: on a CPU, for float32.

    Products of two numbers in half precision are exact in float32, so that this differs from `float32_head` by the
    order of sums alone, and needs no copy of the weights.
    """
    embedding = model.get_output_embeddings()
    if type(embedding) is not nn.Linear or not _has_mixed_product(embedding.weight):
        return None
    weight, bias = embedding.weight, embedding.bias

    def logits(states: Tensor) -> Tensor:
        product = torch.mm(states.to(weight.device, weight.dtype), weight.t(), out_dtype=torch.float32)
        return product if bias is None else product + bias.float()

    return _with_soft_cap(model, logits)


def _has_mixed_product(weight: Tensor) -> bool:
    return weight.is_cuda and weight.dtype in (torch.bfloat16, torch.float16)


def float32_head(model: Any) -> Head | None:
    """The head with a float32 copy of its weights, or None if memory does not allow it.

    A logit in bfloat16 has three digits: ties would decide ranks. Adapters over one model share the copy.
    """
    embedding = model.get_output_embeddings()
    if type(embedding) is not nn.Linear:  # an adapter's layer, or a quantised one
        return None
    if embedding not in _copies:
        try:
            bias = None if embedding.bias is None else embedding.bias.float()
            _copies[embedding] = embedding.weight.float(), bias
        except (torch.OutOfMemoryError, RuntimeError):
            return None
    kept = _copies[embedding]
    return LinearHead(lambda: kept, _cap(model), embedding.weight.dtype == torch.bfloat16)


def forget_head(model: Any) -> None:
    """Drop the float32 copy of a head: its model is trained on, and the copy is of what it was."""
    _copies.pop(model.get_output_embeddings(), None)


def _with_soft_cap(model: Any, logits: Head) -> Head:
    cap = _cap(model)
    return (lambda states: torch.tanh(logits(states) / cap) * cap) if cap else logits


def _cap(model: Any) -> float | None:
    return getattr(model.config.get_text_config(), "final_logit_softcapping", None)
