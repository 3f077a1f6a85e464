"""A model of Llama's shape as an ONNX graph over its safetensors files as they are: what a reader's browser runs.

All is computed in float32, whatever the weights are stored in. Inputs: `ids` [T], their `positions` [T], the `past`
[2 L, H, P, D] (keys, then values, of each layer), and from which of the T on logits are wanted. Results: `logits`
[T - from, V], and `present`, the past with these T behind it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tds_atlas.live.llama_shape import Shape
from tds_atlas.live.onnx_file import FLOAT, INT64, Graph, Weight


def graph_of(shape: Shape, weights: Mapping[str, Weight]) -> bytes | str:
    """The file; a text says which tensor is missing, too much, or has another shape."""
    wanted = dict(shape.tensors())
    odd = sorted(name for name in wanted.keys() | weights.keys() if name not in weights or name not in wanted)
    odd += [name for name in wanted if name in weights and weights[name].shape != wanted[name]]
    return f"has weights that are not those of its config.json: {odd[0]}" if odd else _Llama(shape, weights).model()


class _Llama:
    """The graph as transformers computes the model, operator by operator. Comments give the shapes of results."""

    def __init__(self, shape: Shape, weights: Mapping[str, Weight]) -> None:
        self.shape, self.weights = shape, weights
        past = (2 * shape.layers, shape.key_heads, "past", shape.head)
        tokens = (INT64, ["tokens"])
        self.graph = Graph({"ids": tokens, "positions": tokens, "past": (FLOAT, past), "from": (INT64, [1])})
        self.add = self.graph.add

    def model(self) -> bytes:
        shape, graph, add = self.shape, self.graph, self.add
        past = graph.split("Split", 2 * shape.layers, "past", axis=0)
        cos, sin, hidden = *self._turns(), self._hidden(past[0])
        words = self._float("model.embed_tokens")
        x = add("Gather", words, "ids")  # [T, X]
        present = []
        for layer in range(shape.layers):
            name = f"model.layers.{layer}"
            read, *kept = self._attention(
                f"{name}.self_attn",
                self._norm(f"{name}.input_layernorm", x),
                past[2 * layer : 2 * layer + 2],
                cos,
                sin,
                hidden,
            )
            x = add("Add", x, read)
            x = add("Add", x, self._mlp(f"{name}.mlp", self._norm(f"{name}.post_attention_layernorm", x)))
            present += kept
        last = add("Slice", x, "from", graph.constant(INT64, [2**31], 1), graph.constant(INT64, [0], 1))
        head = words if shape.tied else self._float("lm_head")
        graph.result("logits", add("Gemm", self._norm("model.norm", last), head, transB=1))
        graph.result("present", add("Concat", *present, axis=0))
        return graph.model()

    def _float(self, name: str) -> str:
        """A weight as float32: converted once, when the graph is loaded."""
        weight = self.weights[f"{name}.weight"]
        stored = self.graph.weight(weight)
        return stored if weight.kind == FLOAT else self.add("Cast", stored, to=FLOAT)

    def _shaped(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.graph.constant(INT64, shape, len(shape)))

    def _norm(self, name: str, x: str) -> str:
        """RMSNorm."""
        mean = self.add("ReduceMean", self.add("Mul", x, x), axes=[-1], keepdims=1)
        size = self.add("Sqrt", self.add("Add", mean, self.graph.constant(FLOAT, [self.shape.epsilon])))
        return self.add("Mul", self.add("Mul", x, self.add("Reciprocal", size)), self._float(name))

    def _turns(self) -> tuple[str, str]:
        """Cosines and sines of the rotary embedding: [T, D] each."""
        half = range(0, self.shape.head, 2)
        speeds = self.graph.constant(FLOAT, [self.shape.theta ** (-i / self.shape.head) for i in half], 1, len(half))
        places = self._shaped(self.add("Cast", "positions", to=FLOAT), -1, 1)
        angles = self.add("Mul", places, speeds)
        both = self.add("Concat", angles, angles, axis=-1)
        return self.add("Cos", both), self.add("Sin", both)

    def _turned(self, x: str, cos: str, sin: str) -> str:
        first, second = self.graph.split("Split", 2, x, axis=-1)
        across = self.add("Concat", self.add("Neg", second), first, axis=-1)
        return self.add("Add", self.add("Mul", x, cos), self.add("Mul", across, sin))

    def _hidden(self, past: str) -> str:
        """What hides later positions from earlier ones: 0 or -inf, [T, P + T]."""
        add, constant = self.add, self.graph.constant
        before = add("Gather", add("Shape", past), constant(INT64, [2]))
        now = add("Gather", add("Shape", "ids"), constant(INT64, [0]))
        keys = add("Range", constant(INT64, [0]), add("Add", before, now), constant(INT64, [1]))
        seen = add("LessOrEqual", self._shaped(keys, 1, -1), self._shaped("positions", -1, 1))
        return add("Where", seen, constant(FLOAT, [0.0]), constant(FLOAT, [-math.inf]))

    def _attention(
        self, name: str, x: str, past: Sequence[str], cos: str, sin: str, hidden: str
    ) -> tuple[str, str, str]:
        """What is read of the text so far, and the keys and values of all of it. H key heads serve G heads each."""
        shape, add = self.shape, self.add

        def heads(letter: str, count: int) -> str:
            flat = add("Gemm", x, self._float(f"{name}.{letter}_proj"), transB=1)
            return add("Transpose", self._shaped(flat, -1, count, shape.head), perm=[1, 0, 2])  # [H G, T, D]

        query = self._turned(heads("q", shape.heads), cos, sin)
        new = self._turned(heads("k", shape.key_heads), cos, sin), heads("v", shape.key_heads)
        kept = [
            add("Concat", old, self._shaped(x, 1, shape.key_heads, -1, shape.head), axis=2)
            for old, x in zip(past, new, strict=True)
        ]
        keys, values = (self._shaped(x, shape.key_heads, 1, -1, shape.head) for x in kept)
        query = self._shaped(query, shape.key_heads, shape.heads // shape.key_heads, -1, shape.head)  # [H, G, T, D]
        scale = self.graph.constant(FLOAT, [shape.head**-0.5])
        scores = add("Mul", add("MatMul", query, add("Transpose", keys, perm=[0, 1, 3, 2])), scale)  # [H, G, T, P + T]
        read = add("MatMul", add("Softmax", add("Add", scores, hidden), axis=-1), values)  # [H, G, T, D]
        flat = add("Transpose", self._shaped(read, shape.heads, -1, shape.head), perm=[1, 0, 2])
        together = self._shaped(flat, -1, shape.heads * shape.head)
        return add("Gemm", together, self._float(f"{name}.o_proj"), transB=1), kept[0], kept[1]

    def _mlp(self, name: str, x: str) -> str:
        gate = self.add("Gemm", x, self._float(f"{name}.gate_proj"), transB=1)
        up = self.add("Gemm", x, self._float(f"{name}.up_proj"), transB=1)
        active = self.add("Mul", gate, self.add("Sigmoid", gate))
        return self.add("Gemm", self.add("Mul", active, up), self._float(f"{name}.down_proj"), transB=1)
