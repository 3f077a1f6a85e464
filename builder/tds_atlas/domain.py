"""The words of the project as frozen records. Knows no file, no model and no database."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Finish = Literal["stop", "length", "unknown"]  # unknown: a file of texts does not say how its answers ended
Spans = tuple[tuple[int, int], ...]
Shift = Literal["unshifted", "marginal", "shifted"]
UNSHIFTED_RANK, MARGINAL_RANK = 1, 3  # the last rank of each class; the macro shift_class says the same in SQL
DTYPES = ("float32", "bfloat16", "float16")
REBATCHED = "rebatched"  # the arithmetic of an A/A check that changes batches and padding, not the dtype
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"  # of a model, a context, a comparison: it may become the name of a folder


_MESSAGE = 300  # characters of a library's message


class InputError(ValueError):
    """The user's input is wrong. The message is one line: which file, which key or row, what would be right."""


def one_line(error: BaseException) -> str:
    """An error's message as one line of at most 300 characters; its type if the message is empty.

    The lines are joined, because libraries put what is wrong first and where, or what would be right, below it.
    """
    lines = [line for line in str(error).splitlines() if line.strip(" ^~")]  # not the marks below a piece of SQL
    text = " ".join(" ".join(lines).split()) or type(error).__name__
    return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 1]}…"


def printable(text: str) -> str:
    """The text with control characters escaped, because a terminal would obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def text_fault(text: str) -> str | None:
    """What keeps a text out of tokenizers and databases: a NUL, or half a character (a lone surrogate)."""
    if "\0" in text:
        return "holds a NUL character; remove it"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate); write the text as UTF-8"
    return None


def shift_class(rank: int) -> Shift:
    """The class of a token by its rank (from 1) in the base's distribution."""
    return "unshifted" if rank <= UNSHIFTED_RANK else "marginal" if rank <= MARGINAL_RANK else "shifted"


@dataclass(frozen=True)
class Turn:
    """One turn of a conversation."""

    role: str  # one of ROLES
    text: str
    more: str = ""  # a JSON object with what else a chat template may read of it: tool calls and their ids


Turns = tuple[Turn, ...]
ROLES = ("tools", "system", "developer", "user", "assistant", "tool")  # tools: what can be called, as JSON


@dataclass(frozen=True)
class Prompt:
    """What comes before an answer, and what is known about the question.

    A prompt is a conversation that ends before the assistant's turn. Where that is a single turn of the user, `text`
    is all of it and `turns` is empty. Else `text` is the user's last turn, which titles and tables show; what models
    read, and whether two prompts are the same, is for `whole` to say.
    """

    prompt_id: str
    text: str
    set: str
    tasks: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    harmful: bool | None = None  # None: the file does not say
    truths: tuple[str, ...] = ()  # strings that state the facts asked for
    place: str = field(default="", compare=False)  # file and row that it was read from
    input: str | None = None  # the row's own text before the answer, which a verbatim context reads
    turns: Turns = ()
    later: tuple[str, ...] = ()  # what the user asks next, once this is answered (MT-bench)
    conversation: str = ""  # of a prompt that is part of a conversation in which each answer is measured: how it opens

    @property
    def whole(self) -> Turns:
        """All turns before the answer."""
        return self.turns or (Turn("user", self.text),)

    @property
    def cluster_key(self) -> str:
        """The same for prompts that tell as much as one: of the same turns, or of one conversation."""
        if self.conversation or not self.turns:
            return self.conversation or self.text
        turns = json.dumps([(turn.role, turn.text, turn.more) for turn in self.turns])
        return f"sha256:{hashlib.sha256(turns.encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Answer:
    """An answer as read from a file: text, not yet tokens."""

    prompt: Prompt
    text: str  # as written; it may close with the text of an end token
    place: str = field(default="", compare=False)  # file and row that it was read from
    sample: str = ""  # which of several answers to the prompt: 2 and further, or a name such as chosen
    thinking: str = ""  # what the file keeps apart from the text, for the chat template to write before it
    token_ids: tuple[int, ...] = ()  # where the file holds ids, which are then not made of the text
    ids_before: tuple[int, ...] = ()  # those of what was read, in a file of ids

    @property
    def answer_id(self) -> str:
        """Its name among the answers of its file."""
        return f"{self.prompt.prompt_id}#{self.sample}" if self.sample else self.prompt.prompt_id


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn: what changes each next token's distribution, in the order in which it does."""

    temperature: float
    repetition_penalty: float | None = None  # comes first; None here and below: not used
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Response:
    """An answer as token ids, including the end token."""

    response_id: str
    prompt_id: str
    source: str  # the condition that generated it, or the response file's name
    condition_id: str | None  # None: read from a file
    text: str
    token_ids: tuple[int, ...]  # [n]
    spans: Spans  # [n] (start, end) of each token in text, in code points; they tile the text
    has_end: bool  # whether the last id is the end token
    finish: Finish
    boundary: bool = False  # a token would span prompt and answer, so the two were tokenised separately

    def __post_init__(self) -> None:
        if len(self.token_ids) != len(self.spans):
            raise ValueError(f"{self.response_id}: {len(self.token_ids)} ids but {len(self.spans)} spans")
        if not self.token_ids:
            raise ValueError(f"{self.response_id}: a response needs at least one token")


@dataclass(frozen=True)
class Score:
    """What one condition says about every position of one response (float32 unless noted)."""

    response_id: str
    condition_id: str
    logprob: np.ndarray  # [n] nats; -inf for a token that the model does not have, or rules out
    rank: np.ndarray  # [n] int32, from 1; the width + 1 for a token that the model does not have; 0: not known
    entropy: np.ndarray  # [n] nats; NaN where it is only bounded
    top_ids: np.ndarray  # [n, k] int32, most likely first; all -1: not known
    top_logprobs: np.ndarray  # [n, k] nats
    entropy_lower: np.ndarray | None = None  # [n] nats; None: exact, both bounds are the value
    entropy_upper: np.ndarray | None = None  # [n] nats


@dataclass(frozen=True)
class Divergence:
    """How far apart the two conditions of a comparison are at every position of one response (float32).

    Where lists alone are known of one: bounds, NaN for an upper bound that does not exist, and for a value unless both
    bounds are equal. Without bounds (None) the values are exact.
    """

    response_id: str
    comparison_id: str
    kl_aligned_base: np.ndarray  # [n] nats
    kl_base_aligned: np.ndarray  # [n] nats
    js: np.ndarray  # [n] nats, at most ln 2
    clamped: np.ndarray  # [n] nats: the most that one of the three lay outside of its range before it was put back
    kl_aligned_base_lower: np.ndarray | None = None
    kl_aligned_base_upper: np.ndarray | None = None
    kl_base_aligned_lower: np.ndarray | None = None
    kl_base_aligned_upper: np.ndarray | None = None
    js_lower: np.ndarray | None = None
    js_upper: np.ndarray | None = None


@dataclass(frozen=True)
class ModelCard:
    """What is recorded about a checkpoint; its folder holds what `from_pretrained` needs."""

    model_id: str
    label: str
    source: str
    revision: str | None
    architecture: str
    parameters: int | None  # None: the weights are elsewhere
    vocab_size: int
    dtype: str
    weights_hash: str
    tokenizer_id: str
    engine: str = "transformers"  # who computes its numbers


@dataclass(frozen=True)
class Token:
    """One entry of a vocabulary."""

    tokenizer_id: str
    token_id: int
    text: str | None  # None: the model has the id, but the tokenizer does not
    decoded: str | None  # what the tokenizer's decode returns for this id alone
    is_word_start: bool
    is_special: bool


@dataclass(frozen=True)
class Condition:
    """A model in a context; `arithmetic` is set if the numbers are computed a second time in another way (A/A)."""

    model_id: str
    context_id: str
    arithmetic: str = ""

    @property
    def condition_id(self) -> str:
        return "·".join(filter(None, (self.model_id, self.context_id, self.arithmetic)))

    @property
    def dtype(self) -> str:
        """A dtype other than the model's own, if an A/A check asks for one; else empty."""
        return self.arithmetic if self.arithmetic in DTYPES else ""


@dataclass(frozen=True)
class Comparison:
    """A base and an aligned condition over the same responses."""

    comparison_id: str
    label: str
    kind: Literal["tuning", "noise"]  # noise: the same condition twice, to see the effect of arithmetic alone
    base: Condition
    aligned: Condition
    source: str
