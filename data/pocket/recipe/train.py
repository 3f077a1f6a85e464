"""The three trainings: pretraining, fine-tuning on chats (loss on the answer), DPO. One step at a time, seeded."""

from __future__ import annotations

import copy
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from data.pocket.recipe.chat import Begun, Chat, pairs
from data.pocket.recipe.corpus import document
from data.pocket.recipe.tokenizer import chat_prompt
from data.pocket.recipe.world import World

IGNORED = -100
After = Callable[[int], None]  # is called behind every step, with the number of steps done


def new_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """About two million parameters. The rope reaches far beyond the trained lengths: long texts can be scored."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=6,
            max_position_embeddings=8192,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def pretrain(model: Any, tokenizer: PreTrainedTokenizerFast, world: World, steps: int, name: str) -> float:
    """Next-token loss on an endless corpus: 6 windows of 160 tokens a step. Many small steps beat few large ones."""
    windows = _windows(tokenizer, world, 160)
    run = _Run(name, model, steps, peak=2e-3)
    for _ in range(steps):
        ids = torch.tensor([next(windows) for _ in range(6)], device=model.device)  # [6, 160]
        run.step(_loss(model(ids).logits, ids), ids.numel())
    return run.close()


def fine_tune(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    stream: Iterator[Chat] | Iterator[Begun],
    steps: int,
    name: str,
    peak: float,
    after: After | None = None,
) -> float:
    """Loss on the answer's tokens, its end token included: 16 chats a step."""
    run = _Run(name, model, steps, peak, after)
    for _ in range(steps):
        ids, labels = _pad(tokenizer, [_encode(tokenizer, *next(stream)) for _ in range(16)], model.device)
        run.step(_loss(model(ids).logits, labels), ids.numel())
    return run.close()


def optimise_preferences(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    world: World,
    steps: int,
    after: After | None = None,
    beta: float = 0.3,
    keep: float = 2.5,
) -> float:
    """DPO (Rafailov et al. 2023) against the frozen starting point, plus `keep` times the loss on the preferred answer.

    The second term holds facts and endings in place while the first moves the style.
    """
    reference = copy.deepcopy(model).eval().requires_grad_(False)
    stream = pairs(random.Random(world.seed + 4), world)
    run = _Run("dpo", model, steps, 1e-4, after)
    for _ in range(steps):
        some = [next(stream) for _ in range(8)]
        rows = [_encode(tokenizer, p, good) for p, good, _ in some] + [_encode(tokenizer, p, bad) for p, _, bad in some]
        ids, labels = _pad(tokenizer, rows, model.device)
        policy = sequence_logprob(model(ids).logits, labels)
        with torch.no_grad():
            frozen = sequence_logprob(reference(ids).logits, labels)
        n = len(some)
        loss = dpo_loss(policy[:n], policy[n:], frozen[:n], frozen[n:], beta)
        kept = -policy[:n].sum() / (labels[:n, 1:] != IGNORED).sum()
        run.step(loss + keep * kept, ids.numel())
    return run.close()


def dpo_loss(chosen: Tensor, rejected: Tensor, chosen_ref: Tensor, rejected_ref: Tensor, beta: float) -> Tensor:
    """Mean over pairs of -log σ(β · ((chosen - chosen_ref) - (rejected - rejected_ref))); [n] nats."""
    return -F.logsigmoid(beta * ((chosen - chosen_ref) - (rejected - rejected_ref))).mean()


def sequence_logprob(logits: Tensor, labels: Tensor) -> Tensor:
    """Σ ln p over the labelled positions of each row: [B, T, V], [B, T] -> [B]."""
    targets = labels[:, 1:]
    logp = logits[:, :-1].float().log_softmax(-1).gather(-1, targets.clamp_min(0)[..., None])[..., 0]  # [B, T-1]
    return (logp * (targets != IGNORED)).sum(-1)


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)


def _windows(tokenizer: PreTrainedTokenizerFast, world: World, size: int) -> Iterator[list[int]]:
    """The corpus as one stream of tokens, each document between its begin and end token, cut into windows."""
    rng, stream = random.Random(world.seed + 2), []
    while True:
        while len(stream) < size:
            for ids in tokenizer([document(rng, world) for _ in range(64)])["input_ids"]:
                stream += [*ids, tokenizer.eos_token_id]
        yield stream[:size]
        stream = stream[size:]


def _encode(
    tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str, given: str = ""
) -> tuple[list[int], list[int]]:
    head = tokenizer(chat_prompt(prompt), add_special_tokens=False)["input_ids"]
    head += tokenizer(given, add_special_tokens=False)["input_ids"]
    tail = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return head + tail, [IGNORED] * len(head) + tail


def _pad(
    tokenizer: PreTrainedTokenizerFast, rows: Sequence[tuple[list[int], list[int]]], device: torch.device
) -> tuple[Tensor, Tensor]:
    width = max(len(ids) for ids, _ in rows)
    ids = [ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids, _ in rows]
    labels = [labels + [IGNORED] * (width - len(labels)) for _, labels in rows]
    return torch.tensor(ids, device=device), torch.tensor(labels, device=device)


class _Run:
    """AdamW with a warm-up and a cosine to zero, and the progress of one training: a bar, or a line now and then."""

    def __init__(self, name: str, model: Any, steps: int, peak: float, after: After | None = None) -> None:
        self.after = after
        self.model, self.name, self.steps, self.losses = model.train(), name, steps, list[float]()
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.95), weight_decay=0.01)
        warm = max(1, min(100, steps // 10))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda s: min((s + 1) / warm, 0.5 * (1 + math.cos(math.pi * s / steps)))
        )
        self.start, self.tokens = time.monotonic(), 0
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, disable=not Console().is_terminal)
        self.bar.start()
        self.task = self.bar.add_task(name, total=steps)

    def step(self, loss: Tensor, tokens: int) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.losses.append(loss.item())
        self.tokens += tokens
        if self.after:
            self.after(len(self.losses))
        self.bar.update(self.task, advance=1, description=self._line())
        if self.bar.disable and len(self.losses) % max(1, self.steps // 20) == 0:
            print(f"{self._line()}, {len(self.losses)} of {self.steps} steps", flush=True)

    def close(self) -> float:
        """The mean loss of the last steps."""
        self.bar.stop()
        return self._mean(100)

    def _line(self) -> str:
        rate = self.tokens / (time.monotonic() - self.start)
        return f"{self.name}: loss {self._mean(50):.3f}, {rate:,.0f} tokens/s"

    def _mean(self, last: int) -> float:
        return sum(self.losses[-last:]) / max(1, len(self.losses[-last:]))
